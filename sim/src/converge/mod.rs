//! The converge phase: after the last fault, is the cluster whole again?
//!
//! Every fault is healed and every member runs. Before the plan's deadline
//!
//! 1. a put through each member must succeed (progress),
//! 2. all members must stand at one revision, with one compact revision and one hash,
//! 3. the evidence watcher of each member must have delivered everything up to that revision.
//!
//! Then one more put is made, and every member's hash has to be another than before: a hash that does
//! not show a change shows nothing. The cluster is left alone for a while, and then the whole store of
//! every member is read from that member alone, at the present revision and at an older one: the
//! history has these reads, and the checker holds them against its model, whatever the hashes say. A
//! `quiesced` record marks that time in the history: what was due at its begin has come by its end,
//! to watchers and to readers of a member's own store.
//!
//! A cluster of which faults have damaged too many copies (in an unrestricted plan) owes no progress:
//! its members may all have stopped rather than lie.
//!
//! Different hashes of equally compacted members are a broken guarantee. Anything else that is
//! missing at the deadline is a missed convergence.

use mettle_checker::history::{Blob, PutRequest, RangeRequest, Request, Response};

use crate::client::Client;
use crate::member::Member;
use crate::outcome::Convergence;
use crate::run_context::RunContext;

const MILLISECOND_NS: u64 = 1_000_000;
/// Keys in one page of the last reads.
const PAGE: i64 = 256;
/// Between two attempts at what is still missing.
const RETRY_NS: u64 = 100 * MILLISECOND_NS;

/// Asks until the answer is yes, or the deadline has passed.
pub async fn run(run: &RunContext, client: Client) -> Convergence {
    match asked(run, client).await {
        Convergence::Missed { reason } if run.atlas.is_short(run.plan.members) => {
            Convergence::NotOwed { reason }
        }
        Convergence::Missed { reason } => {
            let given_up = run.cluster.exits().into_iter().filter(|exit| exit.last);
            let told = given_up
                .map(|exit| format!("; m{} is down for good: {}", exit.member, exit.reason));
            Convergence::Missed { reason: reason + &told.collect::<String>() }
        }
        other => other,
    }
}

async fn asked(run: &RunContext, mut client: Client) -> Convergence {
    let began_ns = run.environment.now_ns();
    let deadline_ns = began_ns + run.plan.converge_ns;
    let mut attempt = Attempt { run, deadline_ns, puts: 0 };
    let members = attempt.members();
    for member in &members {
        if let Err(reason) = attempt.progress(&mut client, *member).await {
            return Convergence::Missed { reason };
        }
    }
    let revision = match attempt.read(&mut client, &members).await {
        Ok(revision) => revision,
        Err(reason) => return Convergence::Missed { reason },
    };
    let revision = match attempt.hashes(&mut client, &members, revision).await {
        Ok(revision) => revision,
        Err(convergence) => return convergence,
    };
    if let Err(reason) = attempt.watched(&client, &members, revision).await {
        return Convergence::Missed { reason };
    }
    let quiet_ns = run.environment.now_ns();
    client.pause(QUIESCED_NS).await;
    for member in &members {
        if let Err(reason) = attempt.read_own(&mut client, *member, revision).await {
            return Convergence::Missed { reason };
        }
    }
    run.recorder.quiesced(quiet_ns, run.environment.now_ns());
    Convergence::Converged { after_ns: quiet_ns - began_ns, revision }
}

/// How long a whole cluster is then left alone: what watchers are owed arrives well within.
const QUIESCED_NS: u64 = 2_000 * MILLISECOND_NS;

struct Attempt<'a> {
    run: &'a RunContext,
    deadline_ns: u64,
    puts: u32,
}

/// What one member says of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    revision: i64,
    compact_revision: i64,
    hash: u32,
}

impl State {
    /// Whether the two cannot both be right: equally compacted, they must say the same hash.
    fn contradicts(&self, other: &State) -> bool {
        self.hash != other.hash && self.compact_revision == other.compact_revision
    }
}

impl Attempt<'_> {
    fn late(&self) -> bool {
        self.run.environment.now_ns() >= self.deadline_ns
    }

    /// All members but those whose end a fault explains.
    fn members(&self) -> Vec<Member> {
        let exits = self.run.cluster.exits();
        let excused = |member: Member| {
            exits.iter().any(|exit| exit.member == u32::from(member) && exit.last && exit.explained)
        };
        Member::all(self.run.plan.members).filter(|member| !excused(*member)).collect()
    }

    fn call_ns(&self) -> u64 {
        self.run.plan.traffic.deadline_ns
    }

    /// A put through this member succeeds.
    async fn progress(&mut self, client: &mut Client, member: Member) -> Result<(), String> {
        loop {
            self.puts += 1;
            let value = Blob::from(format!("converge.{}", self.puts));
            let key = Blob::from("converge");
            let put = PutRequest { key, value, ..PutRequest::default() };
            let called = client.call(member, Request::Put(put), self.call_ns()).await;
            let Some(error) = called.error() else { return Ok(()) };
            if self.late() {
                return Err(format!("no put through {member} succeeded, the last said {error}"));
            }
            client.pause(RETRY_NS).await;
        }
    }

    /// A read of everything through each member; the revision it answers.
    async fn read(&mut self, client: &mut Client, members: &[Member]) -> Result<i64, String> {
        let mut revision = 0;
        for member in members {
            let everything = Blob::from(&[0u8]);
            let range = RangeRequest {
                key: everything.clone(),
                range_end: everything,
                ..RangeRequest::default()
            };
            loop {
                let request = Request::Range(range.clone());
                let called = client.call(*member, request, self.call_ns()).await;
                if let Some(Response::Range(answer)) = called.response() {
                    revision = answer.header.map_or(0, |header| header.revision).max(revision);
                    break;
                }
                if self.late() {
                    let error = called.error().unwrap_or_default();
                    return Err(format!(
                        "no full read through {member} succeeded, the last said {error}"
                    ));
                }
                client.pause(RETRY_NS).await;
            }
        }
        Ok(revision)
    }

    /// All members say the same hash at `revision`, and after one more put the same other one. The
    /// revision of that put.
    async fn hashes(
        &mut self,
        client: &mut Client,
        members: &[Member],
        revision: i64,
    ) -> Result<i64, Convergence> {
        let missed = |reason| Convergence::Missed { reason };
        let before = self.agree(client, members, revision).await?;
        if let Some(first) = members.first() {
            self.progress(client, *first).await.map_err(missed)?;
        }
        let revision = self.read(client, members).await.map_err(missed)?;
        let after = self.agree(client, members, revision).await?;
        match unchanged(&before, &after) {
            Some(reason) => Err(Convergence::HashInsensitive { reason }),
            None => Ok(revision),
        }
    }

    /// Reads a member's whole store from that member alone, as it is and as it was.
    async fn read_own(
        &self,
        client: &mut Client,
        member: Member,
        revision: i64,
    ) -> Result<(), String> {
        let compacted = self.run.recorder.compacted();
        let older = (compacted + 1).midpoint(revision);
        for at in [0, revision, older.max(compacted + 1).min(revision)] {
            self.pages(client, member, at).await?;
        }
        Ok(())
    }

    /// Reads a member's whole store page by page, at a revision, or at present for 0.
    async fn pages(&self, client: &mut Client, member: Member, at: i64) -> Result<(), String> {
        let mut key = Blob::from(&[0u8]);
        let mut revision = at;
        loop {
            let range = RangeRequest {
                key: key.clone(),
                range_end: Blob::from(&[0u8]),
                limit: PAGE,
                revision,
                serializable: true,
                ..RangeRequest::default()
            };
            let called = client.call(member, Request::Range(range), self.call_ns()).await;
            let Some(Response::Range(answer)) = called.response() else {
                if self.late() {
                    let error = called.error().unwrap_or_default();
                    return Err(format!(
                        "no read of {member}'s own store succeeded, the last said {error}"
                    ));
                }
                client.pause(RETRY_NS).await;
                continue;
            };
            if revision == 0 {
                revision = answer.header.map_or(0, |header| header.revision);
            }
            match answer.kvs.last() {
                Some(last) if answer.more => {
                    let mut next = last.key.to_vec();
                    next.push(0);
                    key = Blob::from(&next[..]);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Every member stands at `revision`, and all say the same hash.
    async fn agree(
        &self,
        client: &Client,
        members: &[Member],
        revision: i64,
    ) -> Result<Vec<(Member, State)>, Convergence> {
        loop {
            let mut states = Vec::new();
            let mut missing = None;
            for member in members {
                match client.hash_kv(*member, revision, self.call_ns()).await {
                    Ok(answer) => {
                        let state = State {
                            revision: answer.header.map_or(0, |header| header.revision),
                            compact_revision: answer.compact_revision,
                            hash: answer.hash,
                        };
                        states.push((*member, state));
                    }
                    Err(status) => {
                        missing = Some(format!(
                            "{member} has no hash at revision {revision}: {}",
                            status.message()
                        ));
                    }
                }
            }
            if let Some(reason) = first_pair(&states, State::contradicts) {
                return Err(Convergence::HashesDiffer { reason });
            }
            let missing = missing.or_else(|| first_pair(&states, |a, b| a != b));
            let Some(reason) = missing else { return Ok(states) };
            if self.late() {
                return Err(Convergence::Missed { reason });
            }
            client.pause(RETRY_NS).await;
        }
    }

    /// Every evidence watcher was given everything up to `revision`.
    async fn watched(
        &self,
        client: &Client,
        members: &[Member],
        revision: i64,
    ) -> Result<(), String> {
        if !self.run.plan.traffic.evidence {
            return Ok(());
        }
        loop {
            let behind = members.iter().find(|m| self.run.recorder.delivered_by(**m) < revision);
            let Some(member) = behind else { return Ok(()) };
            if self.late() {
                let delivered = self.run.recorder.delivered_by(*member);
                return Err(format!(
                    "the watcher of every key at {member} was given events up to revision \
                     {delivered} of {revision}"
                ));
            }
            client.pause(RETRY_NS).await;
        }
    }
}

/// The first member whose hash is what it was, though both stores are equally compacted and one has a
/// put more; in words.
fn unchanged(before: &[(Member, State)], after: &[(Member, State)]) -> Option<String> {
    let same = |(member, was): &(Member, State)| {
        let (_, is) = after.iter().find(|(other, _)| other == member)?;
        let changed = was.revision < is.revision && was.compact_revision == is.compact_revision;
        (changed && was.hash == is.hash).then(|| {
            format!(
                "{member} has the hash {:08x} at revision {} and at revision {}, though a put lies \
                 between",
                is.hash, was.revision, is.revision
            )
        })
    };
    before.iter().find_map(same)
}

/// The first two members whose states are apart, in words: any two, since a third one may agree with
/// neither.
fn first_pair(
    states: &[(Member, State)],
    apart: impl Fn(&State, &State) -> bool,
) -> Option<String> {
    let mut pairs = states
        .iter()
        .enumerate()
        .flat_map(|(place, first)| states[place + 1..].iter().map(move |other| (first, other)));
    let ((first, a), (other, b)) = pairs.find(|((_, a), (_, b))| apart(a, b))?;
    let say = |member: &Member, state: &State| {
        let State { revision, compact_revision, hash } = state;
        format!("{member} at revision {revision}, compacted at {compact_revision}: {hash:08x}")
    };
    Some(format!("hash of {}, of {}", say(first, a), say(other, b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(all: &[(i64, i64, u32)]) -> Vec<(Member, State)> {
        let state = |&(revision, compact_revision, hash): &(i64, i64, u32)| State {
            revision,
            compact_revision,
            hash,
        };
        Member::all(all.len() as u32).zip(all.iter().map(state)).collect()
    }

    #[test]
    fn equal_members_are_no_pair() {
        assert_eq!(first_pair(&states(&[(9, 4, 1), (9, 4, 1)]), |a, b| a != b), None);
        assert_eq!(first_pair(&[], |_, _| true), None);
    }

    #[test]
    fn the_first_member_that_is_apart_is_named_with_both_states() {
        let states = states(&[(9, 4, 0xa), (9, 4, 0xa), (8, 4, 0xb), (7, 4, 0xc)]);
        assert_eq!(
            first_pair(&states, |a, b| a != b).unwrap(),
            "hash of m1 at revision 9, compacted at 4: 0000000a, of m3 at revision 8, compacted at \
             4: 0000000b"
        );
    }

    #[test]
    fn any_two_members_may_be_apart() {
        let states = states(&[(9, 4, 0xa), (9, 5, 0xb), (9, 5, 0xc)]);
        let told = first_pair(&states, State::contradicts).unwrap();
        assert!(told.starts_with("hash of m2"), "{told}");
    }

    #[test]
    fn a_hash_shows_a_put() {
        let (before, after) = (states(&[(9, 4, 1), (9, 4, 1)]), states(&[(10, 4, 2), (10, 4, 1)]));
        assert_eq!(
            unchanged(&before, &after).unwrap(),
            "m2 has the hash 00000001 at revision 9 and at revision 10, though a put lies between"
        );
        assert_eq!(unchanged(&before, &states(&[(10, 6, 1), (10, 6, 1)])), None, "more is gone");
    }

    #[test]
    fn hashes_differ_only_when_both_are_equally_compacted() {
        assert!(states(&[(9, 4, 1), (9, 4, 2)])[0].1.contradicts(&states(&[(9, 4, 2)])[0].1));
        assert!(!states(&[(9, 4, 1)])[0].1.contradicts(&states(&[(9, 6, 2)])[0].1));
    }
}
