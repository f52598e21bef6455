//! Questions to members that are no operations, while faults happen; what they answer is held
//! against simple rules.
//!
//! - MemberList names the members of the plan, with their peer addresses.
//! - Status names a leader that is a member or nobody, no entry that is applied before it is
//!   committed, and no revision beyond what clients can have written.
//! - HashKV says one hash for one revision, compacted at one revision, whoever is asked.
//! - A member always answers under one id, which no other member has.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use mettle_api::etcdserverpb as pb;
use mettle_scenarios::Plan;
use tonic::Status;

use super::choices::drawn;
use crate::client::Client;
use crate::host::{ClientNumber, Host, PEER_PORT};
use crate::member::Member;
use crate::recorder::{Breach, Count};
use crate::run_context::RunContext;
use crate::stream::Stream;

const SECOND_NS: u64 = 1_000_000_000;

const MEMBERS: &str = "members are those of the plan";
const STATUS: &str = "status says what can be";
const HASHES: &str = "hashes asked for agree";
const IDS: &str = "members keep their ids";

/// Asks until the traffic is over.
pub(super) async fn ask(run: RunContext) {
    let client = run.client(ClientNumber::ASKER);
    let mut rules = Rules::new(&run.plan);
    let gap_ns = SECOND_NS / run.plan.traffic.calls.questions.max(1);
    for ordinal in 0.. {
        let mut stream = run.environment.streams.open("traffic-question", 0, ordinal);
        client.pause(stream.below(2 * gap_ns + 1)).await;
        if run.environment.now_ns() >= run.plan.duration_ns {
            return;
        }
        let member = drawn(run.plan.members, &mut stream);
        let answer = question(&run, &client, member, &mut stream).await;
        // A member that is down or cut off answers with an error, and so does one without a leader.
        let Ok(answer) = answer else { continue };
        run.recorder.count(Count::QuestionsAnswered);
        let most = 1 + run.recorder.writes();
        if let Some((rule, reason)) = rules.hear(member, &answer, most) {
            let at_ns = run.environment.now_ns();
            run.recorder.broken(Breach { rule, reason, at_ns });
        }
    }
}

/// What a member answered.
#[derive(Debug)]
enum Answer {
    Members(pb::MemberListResponse),
    Status(pb::StatusResponse),
    Hash(pb::HashKvResponse),
    Health,
}

async fn question(
    run: &RunContext,
    client: &Client,
    member: Member,
    stream: &mut Stream,
) -> Result<Answer, Status> {
    let deadline_ns = run.plan.traffic.deadline_ns;
    Ok(match stream.below(5) {
        0 => Answer::Members(client.member_list(member, true, deadline_ns).await?),
        1 => Answer::Members(client.member_list(member, false, deadline_ns).await?),
        2 => Answer::Status(client.status(member, deadline_ns).await?),
        3 => {
            let (low, high) = (run.recorder.compacted().max(1), run.recorder.revision().max(1));
            let within = low + stream.below((high - low).max(0) as u64 + 1) as i64;
            let revision = if stream.below(3) == 0 { 0 } else { within };
            Answer::Hash(client.hash_kv(member, revision, deadline_ns).await?)
        }
        _ => {
            client.health(member, deadline_ns).await?;
            Answer::Health
        }
    })
}

/// A rule that is broken, and how.
type Broken = Option<(&'static str, String)>;

/// A store's revision, and where it is compacted.
type Version = (i64, i64);

/// What has been answered so far.
#[derive(Debug)]
struct Rules {
    /// The peer address of each member.
    peers: BTreeMap<String, Member>,
    ids: BTreeMap<u64, Member>,
    hashes: BTreeMap<Version, (u32, Member)>,
}

impl Rules {
    fn new(plan: &Plan) -> Rules {
        let url =
            |member| format!("http://{}", SocketAddr::new(Host::Member(member).ip(), PEER_PORT));
        let peers = Member::all(plan.members).map(|member| (url(member), member)).collect();
        Rules { peers, ids: BTreeMap::new(), hashes: BTreeMap::new() }
    }

    /// Takes in what `member` answered while no revision above `most` can have been written.
    fn hear(&mut self, member: Member, answer: &Answer, most: i64) -> Broken {
        let header = match answer {
            Answer::Members(answer) => answer.header.as_ref(),
            Answer::Status(answer) => answer.header.as_ref(),
            Answer::Hash(answer) => answer.header.as_ref(),
            Answer::Health => return None,
        };
        let own = header.map_or(0, |header| header.member_id);
        self.id(member, own).or_else(|| match answer {
            Answer::Members(answer) => self.members(member, answer),
            Answer::Status(answer) => self.status(member, answer, most),
            Answer::Hash(answer) => self.hash(member, answer),
            Answer::Health => None,
        })
    }

    fn id(&mut self, member: Member, id: u64) -> Broken {
        let first = *self.ids.entry(id).or_insert(member);
        let ids = self.ids.iter().filter(|(_, whose)| **whose == member).count();
        if first != member {
            return Some((IDS, format!("{first} and {member} both answer under the id {id:x}")));
        }
        (ids > 1)
            .then(|| (IDS, format!("{member} answers under the id {id:x}, and did not before")))
    }

    fn members(&mut self, member: Member, answer: &pb::MemberListResponse) -> Broken {
        let named = |listed: &pb::Member| {
            let [url] = &listed.peer_urls[..] else { return None };
            let whose = *self.peers.get(url)?;
            let name = listed.name.is_empty() || listed.name == whose.to_string();
            (name && !listed.is_learner).then_some(whose)
        };
        let mut found: Vec<Option<Member>> = answer.members.iter().map(named).collect();
        found.sort_unstable();
        if !found.into_iter().eq(self.peers.values().copied().map(Some)) {
            let listed = &answer.members;
            return Some((MEMBERS, format!("{member} lists other members: {listed:?}")));
        }
        let listed = answer.members.iter().filter_map(|listed| Some((listed.id, named(listed)?)));
        let listed: Vec<(u64, Member)> = listed.collect();
        listed.into_iter().find_map(|(id, whose)| self.id(whose, id))
    }

    fn status(&self, member: Member, answer: &pb::StatusResponse, most: i64) -> Broken {
        let revision = answer.header.as_ref().map_or(0, |header| header.revision);
        if revision > most {
            let reason = format!(
                "{member} stands at revision {revision}, and clients can have written up to {most}"
            );
            return Some((STATUS, reason));
        }
        let (applied, committed) = (answer.raft_applied_index, answer.raft_index);
        if applied > committed {
            let reason = format!("{member} has applied entry {applied}; committed is {committed}");
            return Some((STATUS, reason));
        }
        let whole = self.ids.len() == self.peers.len();
        let unknown = answer.leader != 0 && whole && !self.ids.contains_key(&answer.leader);
        unknown
            .then(|| (STATUS, format!("{member} follows {:x}, which is no member", answer.leader)))
    }

    fn hash(&mut self, member: Member, answer: &pb::HashKvResponse) -> Broken {
        let version = (answer.hash_revision, answer.compact_revision);
        let (first, whose) = *self.hashes.entry(version).or_insert((answer.hash, member));
        (first != answer.hash).then(|| {
            let (revision, compacted) = version;
            let reason = format!(
                "at revision {revision}, compacted at {compacted}, {whose} said {first:08x} and \
                 {member} {:08x}",
                answer.hash
            );
            (HASHES, reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use mettle_server::probe::NAMES;

    use super::*;
    use crate::planner;

    const M1: Member = Member::new(1);
    const M2: Member = Member::new(2);

    fn rules() -> Rules {
        let text = "title = 't'\nwhy = 'w'\n[cluster]\nmembers = 3\n";
        let scenario = mettle_scenarios::parse("x", "test/x", text, NAMES).unwrap();
        Rules::new(&planner::plan(&scenario, 1, &[]))
    }

    fn header(member_id: u64, revision: i64) -> pb::ResponseHeader {
        pb::ResponseHeader { cluster_id: 1, member_id, revision, raft_term: 1 }
    }

    fn listed(number: u64, name: &str) -> pb::Member {
        pb::Member {
            id: 10 + number,
            name: name.to_owned(),
            peer_urls: vec![format!("http://10.0.0.{number}:2380")],
            client_urls: Vec::new(),
            is_learner: false,
        }
    }

    fn list(members: Vec<pb::Member>) -> Answer {
        Answer::Members(pb::MemberListResponse { header: Some(header(11, 5)), members })
    }

    fn status(revision: i64, applied: u64, leader: u64) -> Answer {
        Answer::Status(pb::StatusResponse {
            header: Some(header(11, revision)),
            raft_applied_index: applied,
            raft_index: 20,
            leader,
            ..pb::StatusResponse::default()
        })
    }

    fn hash(member_id: u64, hash_revision: i64, hash: u32) -> Answer {
        let header = Some(header(member_id, 9));
        Answer::Hash(pb::HashKvResponse { header, hash, compact_revision: 3, hash_revision })
    }

    fn rule(rules: &mut Rules, member: Member, answer: &Answer) -> Option<&'static str> {
        rules.hear(member, answer, 50).map(|(rule, _)| rule)
    }

    #[test]
    fn members_are_listed_as_they_are() {
        let good = || vec![listed(2, "m2"), listed(1, "m1"), listed(3, "")];
        assert_eq!(rule(&mut rules(), M1, &list(good())), None, "a name may not be known yet");
        let mut wrong = [good(), good(), good(), good()];
        wrong[0].pop();
        wrong[1][0].name = "m1".to_owned();
        wrong[2][2].is_learner = true;
        wrong[3].push(listed(3, "m3"));
        for wrong in wrong {
            assert_eq!(rule(&mut rules(), M1, &list(wrong)), Some(MEMBERS));
        }
        let mut other = rules();
        assert_eq!(rule(&mut other, M2, &hash(11, 9, 1)), None);
        assert_eq!(
            rule(&mut other, M1, &list(good())),
            Some(IDS),
            "m2 answered under the id of m1"
        );
    }

    #[test]
    fn a_status_is_one_that_can_be() {
        let mut rules = rules();
        assert_eq!(
            rule(&mut rules, M1, &status(50, 20, 99)),
            None,
            "who is there is not known yet"
        );
        let members = vec![listed(1, ""), listed(2, ""), listed(3, "")];
        assert_eq!(rule(&mut rules, M1, &list(members)), None);
        for good in [status(50, 20, 12), status(1, 0, 0)] {
            assert_eq!(rule(&mut rules, M1, &good), None);
        }
        for wrong in [status(51, 20, 12), status(50, 21, 12), status(50, 20, 99)] {
            assert_eq!(rule(&mut rules, M1, &wrong), Some(STATUS));
        }
    }

    #[test]
    fn hashes_of_one_version_agree_and_ids_stay() {
        let mut rules = rules();
        assert_eq!(rule(&mut rules, M1, &hash(11, 9, 1)), None);
        assert_eq!(rule(&mut rules, M2, &hash(12, 9, 1)), None);
        assert_eq!(rule(&mut rules, M2, &hash(12, 8, 2)), None);
        assert_eq!(rule(&mut rules, M2, &hash(12, 9, 2)), Some(HASHES));
        assert_eq!(rule(&mut rules, M2, &hash(13, 9, 1)), Some(IDS));
        assert_eq!(rule(&mut rules, M1, &hash(12, 9, 1)), Some(IDS));
    }
}
