//! What a member knows of its peers' lives: which disk each has, and what it promised.
//!
//! A peer that comes with another disk than it had, or with an older copy of it, has forgotten votes
//! and entries that others count on. Such a peer is refused, whatever it says.
//!
//! # What is remembered
//! - Through the log, for ever: each member publishes its life when it starts.
//! - In this process: the life that a peer said last and where its log stood when that life began; and
//!   what the peer promised since, to this member: a vote in a term, or a log up to an index under a
//!   leader's term. A promise is sent only when it is durable, so a later life begins at least there.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use crate::consensus::types::{Index, Message, MessageBody, NodeId, Term};
use crate::identity::Life;
use crate::probe;

/// How a member begins a life, as it introduces itself to its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// Which disk, and the how manyth process on it.
    pub life: Life,
    /// The term that its disk remembered.
    pub term: Term,
    /// Where its log ended.
    pub last_index: Index,
}

/// Why a peer is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// Another disk.
    #[error(
        "member {member:x} is known with incarnation {known:x} and comes with {found:x}: its disk was \
         emptied or replaced, and what it had promised is gone; put the right disk back (replacing a \
         member is not built yet)"
    )]
    Incarnation {
        /// Who comes.
        member: NodeId,
        /// The incarnation known.
        known: u64,
        /// The one it comes with.
        found: u64,
    },
    /// Fewer starts than are known, or as many in another process.
    #[error(
        "member {member:x} is known in start {known} and comes in start {found}: its disk was replaced \
         by an older copy, or two processes run on copies of it; put the right disk back"
    )]
    Boot {
        /// Who comes.
        member: NodeId,
        /// The start known.
        known: u64,
        /// The start it comes in.
        found: u64,
    },
    /// The peer forgot what it had promised.
    #[error(
        "member {member:x} had promised term {term} and entries up to {index}, and its disk has term \
         {found_term} and entries up to {found_index}: it was replaced by an older copy; put the \
         right disk back"
    )]
    Promise {
        /// Who comes.
        member: NodeId,
        /// The term it promised.
        term: Term,
        /// Entries that it acknowledged in that term.
        index: Index,
        /// The term it comes with.
        found_term: Term,
        /// Where its log ended.
        found_index: Index,
    },
}

/// See the head of the file.
#[derive(Debug, Default)]
pub struct Register(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// This member's log has no entry.
    is_empty: bool,
    published: BTreeMap<NodeId, Life>,
    met: BTreeMap<NodeId, Met>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Met {
    beginning: Beginning,
    /// The latest promise of that life, or of one before it.
    term: Term,
    index: Index,
}

impl Register {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().expect("no holder panics")
    }

    /// Notes what the log says of members' lives.
    pub fn publish(&self, lives: impl IntoIterator<Item = (NodeId, Life)>) {
        self.known().published.extend(lives);
    }

    /// Notes whether this member's log has an entry: one without promised nothing that counts.
    pub fn set_empty(&self, is_empty: bool) {
        self.known().is_empty = is_empty;
    }

    /// Whether this member's log has no entry.
    pub fn is_empty(&self) -> bool {
        self.known().is_empty
    }

    /// The life in which a member is known; of incarnation 0 when it is not.
    pub fn life_of(&self, member: NodeId) -> Life {
        let known = self.known();
        let met = known.met.get(&member).map(|met| met.beginning.life);
        let published = known.published.get(&member).copied();
        met.into_iter().chain(published).max_by_key(|life| life.boot).unwrap_or_default()
    }

    /// A peer introduces itself.
    pub fn meet(&self, member: NodeId, beginning: Beginning) -> Result<(), Stranger> {
        let mut known = self.known();
        let published = known.published.get(&member).copied().unwrap_or_default();
        let met = known.met.get(&member).copied().unwrap_or_default();
        let checked = check(member, published, beginning.life)
            .and_then(|()| check(member, met.beginning.life, beginning.life))
            .and_then(|()| met.check(member, beginning));
        if checked.is_err() {
            probe!("peer with another disk refused");
            return checked;
        }
        known.met.insert(member, Met { beginning, ..met });
        Ok(())
    }

    /// A peer said something; what it promises by that is remembered.
    pub fn heard(&self, message: &Message) {
        let index = match message.body {
            MessageBody::VoteResponse { granted: true } => 0,
            MessageBody::AppendAccepted { index } => index,
            _ => return,
        };
        let mut known = self.known();
        let Some(met) = known.met.get_mut(&message.from) else { return };
        if (message.term, index) > (met.term, met.index) {
            (met.term, met.index) = (message.term, index);
        }
    }
}

fn check(member: NodeId, known: Life, found: Life) -> Result<(), Stranger> {
    if known.incarnation != 0 && known.incarnation != found.incarnation {
        let (known, found) = (known.incarnation, found.incarnation);
        return Err(Stranger::Incarnation { member, known, found });
    }
    if found.boot < known.boot {
        return Err(Stranger::Boot { member, known: known.boot, found: found.boot });
    }
    Ok(())
}

impl Met {
    fn check(&self, member: NodeId, beginning: Beginning) -> Result<(), Stranger> {
        let Beginning { life, term: found_term, last_index: found_index } = beginning;
        if life == self.beginning.life {
            if beginning == self.beginning {
                return Ok(());
            }
            return Err(Stranger::Boot { member, known: life.boot, found: life.boot });
        }
        let Met { term, index, .. } = *self;
        if found_term < term || found_term == term && found_index < index {
            return Err(Stranger::Promise { member, term, index, found_term, found_index });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: NodeId = 2;

    fn beginning(boot: u64, term: Term, last_index: Index) -> Beginning {
        Beginning { life: Life { incarnation: 7, boot }, term, last_index }
    }

    fn says(term: Term, body: MessageBody) -> Message {
        Message { from: PEER, to: 1, term, body }
    }

    fn acknowledges(term: Term, index: Index) -> Message {
        says(term, MessageBody::AppendAccepted { index })
    }

    #[test]
    fn another_disk_is_refused() {
        let register = Register::default();
        assert_eq!(register.life_of(PEER), Life::default());
        register.meet(PEER, beginning(1, 0, 0)).expect("nobody knew it");
        let other = Beginning { life: Life { incarnation: 8, boot: 2 }, ..beginning(1, 0, 0) };
        let refused = register.meet(PEER, other);
        assert_eq!(refused, Err(Stranger::Incarnation { member: PEER, known: 7, found: 8 }));
        assert_eq!(register.life_of(PEER).incarnation, 7);
        // The log says it to those that never met the peer.
        let later = Register::default();
        later.publish([(PEER, Life { incarnation: 7, boot: 1 })]);
        assert_eq!(later.meet(PEER, other), refused);
    }

    #[test]
    fn an_older_copy_is_refused_by_its_starts() {
        let register = Register::default();
        register.publish([(PEER, Life { incarnation: 7, boot: 4 })]);
        let refused = register.meet(PEER, beginning(3, 9, 99));
        assert_eq!(refused, Err(Stranger::Boot { member: PEER, known: 4, found: 3 }));
        register.meet(PEER, beginning(5, 9, 99)).expect("a later start");
        register.meet(PEER, beginning(5, 9, 99)).expect("the same process again");
        let twin = register.meet(PEER, beginning(5, 9, 98));
        assert_eq!(twin, Err(Stranger::Boot { member: PEER, known: 5, found: 5 }));
    }

    #[test]
    fn an_older_copy_is_refused_by_what_it_promised() {
        let register = Register::default();
        register.meet(PEER, beginning(1, 0, 0)).expect("nobody knew it");
        register.heard(&acknowledges(3, 10));
        register.heard(&acknowledges(3, 8));
        for short in [beginning(2, 3, 9), beginning(2, 2, 50)] {
            let refused = register.meet(PEER, short);
            assert!(matches!(refused, Err(Stranger::Promise { term: 3, index: 10, .. })));
        }
        register.meet(PEER, beginning(2, 3, 10)).expect("all of it is there");
        register.meet(PEER, beginning(3, 4, 5)).expect("a later leader cut its log");
        register.heard(&says(6, MessageBody::VoteResponse { granted: true }));
        assert!(register.meet(PEER, beginning(4, 5, 50)).is_err(), "it forgot its vote");
        register.meet(PEER, beginning(4, 6, 5)).expect("it has the term it voted in");
    }

    #[test]
    fn a_refused_vote_promises_nothing() {
        let register = Register::default();
        register.meet(PEER, beginning(1, 0, 0)).expect("nobody knew it");
        register.heard(&says(6, MessageBody::VoteResponse { granted: false }));
        register.meet(PEER, beginning(2, 5, 0)).expect("a refusal is not durable");
    }
}
