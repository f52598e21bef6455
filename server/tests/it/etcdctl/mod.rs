//! Conformance: the unmodified etcdctl and stock gRPC calls against real `mettled` processes, side by
//! side with a real etcd where one is installed.
//!
//! `kv.script` shows what etcdctl prints. It was written by running it against etcd; to write it again:
//! `UPDATE_GOLDENFILES=1 cargo test -p mettle-server --test it etcd_itself`.

mod cluster;
mod disk_lost;
mod load;
mod pressure;
mod script;
mod services;
mod side_by_side;
mod size;

use cluster::{Cluster, Program, etcd_missing, etcdctl_missing};
use script::Etcdctl;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/etcdctl/kv.script");

#[test]
fn one_member_answers_etcdctl_as_etcd_does() {
    if etcdctl_missing() {
        return;
    }
    let cluster = Cluster::start(Program::Mettled, 1);
    goldenscript::run(&mut Etcdctl(&cluster), SCRIPT).unwrap();
}

#[test]
fn three_members_answer_etcdctl_as_etcd_does() {
    if etcdctl_missing() {
        return;
    }
    let cluster = Cluster::start(Program::Mettled, 3);
    goldenscript::run(&mut Etcdctl(&cluster), SCRIPT).unwrap();
    every_member_shows_the_cluster(&cluster);
}

#[test]
fn etcd_itself_prints_what_the_script_says() {
    if etcd_missing() {
        return;
    }
    let cluster = Cluster::start(Program::Etcd, 1);
    goldenscript::run(&mut Etcdctl(&cluster), SCRIPT).unwrap();
}

fn every_member_shows_the_cluster(cluster: &Cluster) {
    let mut leaders = 0;
    let mut hashes = Vec::new();
    for n in 0..cluster.size() {
        let endpoint = format!("endpoints={}", cluster.client_addr(n));
        let members = cluster.etcdctl(&[&endpoint, "member", "list"], "");
        let names: Vec<_> = members.lines().filter_map(|line| line.split(", ").nth(2)).collect();
        assert_eq!(names.len(), cluster.size(), "{members}");
        let status = cluster.etcdctl(&[&endpoint, "endpoint", "status"], "");
        let fields: Vec<_> = status.trim_end().split(", ").collect();
        assert_eq!(fields[0], cluster.client_addr(n).to_string(), "{status}");
        leaders += u32::from(fields[4] == "true");
        let health = cluster.etcdctl(&[&endpoint, "endpoint", "health"], "");
        assert!(!health.contains("Error"), "{health}");
        // A linearizable read before brings the member up to date, so that all hash the same.
        cluster.etcdctl(&[&endpoint, "get", "a"], "");
        let hash = cluster.etcdctl(&[&endpoint, "endpoint", "hashkv"], "");
        hashes.extend(hash.trim_end().split(", ").nth(1).map(str::to_owned));
    }
    assert_eq!(leaders, 1);
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    assert_eq!(hashes.len(), cluster.size());
}
