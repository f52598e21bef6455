//! Writes samples of every format to start from: `corpus/TARGET/` for each target.

use std::path::Path;

use mettle_check::import::Format;

const LINES: &str = r#"{"version":1,"seed":7,"scenario":"x","lacks":["more"]}
{"id":1,"process":1,"member":1,"op":"put","call_ns":1,"return_ns":5,"outcome":"ok","request":{"key":"a","value":"1"},"response":{"header":{"cluster_id":9,"member_id":1,"revision":2,"raft_term":2}}}
{"id":2,"process":2,"op":"watch_create","call_ns":2,"return_ns":2,"outcome":"ok","request":{"stream":1,"key":"a","range_end":"b","prev_kv":true,"filters":["NODELETE"],"progress_notify":true}}
{"id":3,"process":2,"op":"watch_response","call_ns":3,"return_ns":3,"outcome":"ok","request":{"stream":1},"response":{"header":{"revision":1},"watch_id":0,"created":true}}
{"id":4,"process":2,"op":"watch_response","call_ns":6,"return_ns":6,"outcome":"ok","request":{"stream":1},"response":{"header":{"revision":2},"watch_id":0,"events":[{"type":"PUT","kv":{"key":"a","value":"1","create_revision":2,"mod_revision":2,"version":1}}]}}
{"id":5,"process":1,"op":"txn","call_ns":7,"return_ns":9,"outcome":"ok","request":{"compare":[{"key":"a","target":"MOD","result":"EQUAL","mod_revision":2}],"success":[{"request_put":{"key":"a","value":{"base64":"/w=="},"prev_kv":true}},{"request_range":{"key":"a"}}],"failure":[{"request_txn":{}}]},"response":{"header":{"revision":3},"succeeded":true,"responses":[{"response_put":{"prev_kv":{"key":"a","value":"1","create_revision":2,"mod_revision":2,"version":1}}},{"response_range":{"kvs":[{"key":"a","value":{"base64":"/w=="},"create_revision":2,"mod_revision":3,"version":2}],"count":1}}]}}
{"id":6,"process":3,"op":"delete_range","call_ns":8,"return_ns":null,"outcome":"unknown","request":{"key":"a","range_end":"\u0000"},"response":{"error":{"code":"Unavailable","message":"gone"}}}
{"id":7,"process":4,"op":"range","call_ns":10,"return_ns":12,"outcome":"ok","request":{"key":"a","revision":2,"limit":1,"sort_order":"DESCEND","sort_target":"MOD","serializable":true},"response":{"header":{"revision":3},"kvs":[{"key":"a","value":"1","create_revision":2,"mod_revision":2,"version":1}],"count":1}}
{"id":8,"process":4,"op":"compact","call_ns":13,"return_ns":14,"outcome":"fail","request":{"revision":99},"response":{"error":{"code":"OutOfRange","message":"etcdserver: mvcc: required revision is a future revision"}}}
{"id":9,"process":5,"op":"lease_grant","call_ns":15,"return_ns":16,"outcome":"ok","request":{"TTL":9},"response":{"header":{"revision":3},"ID":77,"TTL":9}}
{"id":10,"process":5,"op":"lease_keep_alive","call_ns":17,"return_ns":18,"outcome":"ok","request":{"ID":77},"response":{"header":{"revision":3},"ID":77,"TTL":9}}
{"id":11,"process":5,"op":"lease_time_to_live","call_ns":19,"return_ns":20,"outcome":"ok","request":{"ID":77,"keys":true},"response":{"header":{"revision":3},"ID":77,"TTL":8,"grantedTTL":9,"keys":["a"]}}
{"id":12,"process":5,"op":"lease_leases","call_ns":21,"return_ns":22,"outcome":"ok","request":{},"response":{"header":{"revision":3},"leases":[{"ID":77}]}}
{"id":13,"process":5,"op":"lease_revoke","call_ns":23,"return_ns":24,"outcome":"ok","request":{"ID":77},"response":{"header":{"revision":3}}}
{"id":14,"process":6,"op":"quiesced","call_ns":30,"return_ns":40,"outcome":"ok","request":{}}
"#;

const JEPSEN: &str = "INFO  jepsen.util - 0\t:invoke\t:write\t1\nINFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]\n\
    INFO  jepsen.util - :nemesis\t:info\t:start\tnil\nINFO  jepsen.util - 0\t:ok\t:write\t1\n\
    INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 1\t:info\t:cas\t:timed-out\n\
    2020-02-03 10:11 INFO [jepsen worker 3] jepsen.util: 0\t:ok\t:read\t2\n";

const KNOSSOS: &str = "; sample\n[{:process 0, :type :invoke, :f :write, :value 1}\n\
    #op{:process 0, :type :ok, :f :write, :value 1, :error #{\"x\\n\" \\a 1.5}}\n\
    {:process 1 :type :invoke :f :cas :value [1 2]} #_(no)\n{:process 1 :type :info :f :cas :value [1 2]}\n\
    [2 :invoke :read nil]\n[2 :ok :read 2]]\n";

/// Registers by key, of jepsen.independent.
const KEYED: &str = "{:process 0, :type :invoke, :f :write, :value [3 1]}\n\
    {:process 0, :type :ok, :f :write, :value [3 1]}\n\
    {:process 1, :type :invoke, :f :cas, :value [\"x\" [1 2]]}\n\
    {:process 1, :type :info, :f :cas, :value :timed-out}\n\
    {:process 0, :type :invoke, :f :read, :value #tuple [:k nil]}\n\
    {:process 0, :type :ok, :f :read, :value #tuple [:k nil]}\n";

const KEYED_LOG: &str = "INFO  jepsen.util - 0\t:invoke\t:write\t[3 1]\n\
    INFO  jepsen.util - 0\t:info\t:write\t[3 1]\t:timeout\n\
    INFO  jepsen.util - 1\t:invoke\t:cas\t[3 [1 2]]\n\
    INFO  jepsen.util - 1\t:fail\t:cas\t[3 [1 2]]\n";

const PORCUPINE: &str = "{:process 0, :type :invoke, :f :append, :key \"a\", :value \"x\"}\n\
    {:process 1, :type :invoke, :f :put, :key \"a\", :value \"y\"}\n\
    {:process 0, :type :ok, :f :append, :key \"a\", :value \"x\"}\n\
    {:process 0, :type :invoke, :f :get, :key \"a\", :value nil}\n\
    {:process 0, :type :ok, :f :get, :key \"a\", :value \"yx\"}\n";

const ETCD: &str = concat!(
    r#"{"ClientId":1,"Input":{"Type":"txn","Txn":{"Conditions":[{"Key":"k","ExpectedRevision":0}],"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"k","Value":{"Value":"1","Hash":0},"LeaseID":0}},{"Type":"range-operation","Range":{"Start":"k","End":"l","Limit":3}}],"OperationsOnFailure":[{"Type":"delete-operation","Delete":{"Key":"k"}}]}},"Call":10,"Output":{"Txn":{"Failure":false,"Results":[{"KVs":null,"Count":0,"Deleted":0},{"KVs":[{"Key":"k","Value":{"Value":"1"},"ModRevision":2,"Version":1}],"Count":1}]},"Revision":2,"Error":""},"Return":15}
{"ClientId":1,"Input":{"Type":"range","Range":{"Start":"k","End":"","Limit":0,"Revision":0}},"Call":20,"Output":{"Range":{"KVs":[{"Key":"k","Value":{"Hash":77},"ModRevision":2}],"Count":1},"Revision":2},"Return":25}
{"ClientId":1,"Input":{"Type":"compact","Compact":{"Revision":2}},"Call":30,"Output":{"ClientError":"mvcc: required revision has been compacted","Error":""},"Return":-1}
"#,
    "\0",
    r#"{"Request":{"Key":"k","Revision":1,"WithPrefix":true,"WithProgressNotify":true,"WithPrevKV":true},"Responses":[{"Events":[{"Type":"put-operation","Key":"k","Value":{"Value":"1"},"Revision":2,"IsCreate":true,"PrevValue":{"Value":{},"Version":1}}],"Revision":2,"Time":17},{"Events":null,"IsProgressNotify":true,"Revision":2,"Time":40}]}"#
);

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let read = |lines: &str| {
        let limits = mettle_checker::history::Limits::default();
        mettle_checker::history::read_stream("sample".to_owned(), lines.as_bytes(), limits)
            .expect("the sample is a history")
            .0
    };
    let whole = read(LINES).write_binary_to(Vec::new())?;
    // Behind the magic bytes and the first block lies the block of records, behind its frame.
    let first = u32::from_le_bytes(whole[8..12].try_into().expect("four bytes")) as usize;
    let frame = 16 + first;
    let length =
        u32::from_le_bytes(whole[frame..frame + 4].try_into().expect("four bytes")) as usize;
    let mut records = vec![14];
    records.extend(&whole[frame + 9..frame + 8 + length]);
    let samples: [(&str, &[u8]); 14] = [
        ("lines", LINES.as_bytes()),
        ("binary", &records),
        ("etcd", ETCD.as_bytes()),
        ("jepsen", JEPSEN.as_bytes()),
        ("knossos", KNOSSOS.as_bytes()),
        ("porcupine", PORCUPINE.as_bytes()),
        ("jepsen", KEYED_LOG.as_bytes()),
        ("knossos", KEYED.as_bytes()),
        ("any", LINES.as_bytes()),
        ("any", JEPSEN.as_bytes()),
        ("any", KNOSSOS.as_bytes()),
        ("any", PORCUPINE.as_bytes()),
        ("any", ETCD.as_bytes()),
        ("any", &whole),
    ];
    for (number, (target, sample)) in samples.iter().enumerate() {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("sample-{number}")), sample)?;
        // A sample that bears the name of a format is one for `named`, behind the format's place.
        let place = Format::all().position(|format| format.name() == *target);
        if let Some(place) = place {
            let folder = corpus.join("named");
            std::fs::create_dir_all(&folder)?;
            std::fs::write(
                folder.join(format!("sample-{number}")),
                [&[place as u8], *sample].concat(),
            )?;
        }
    }
    Ok(())
}
