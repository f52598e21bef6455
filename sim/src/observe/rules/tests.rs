//! Each rule holds on a lawful story and breaks on the smallest unlawful one.

use super::*;
use crate::observe::Segment;

/// No disks: the rules are told of no members, and look at none.
struct Nowhere;

impl Media for Nowhere {
    fn log(&self, _member: Member, _see: &mut dyn FnMut(&[Segment<'_>])) {}

    fn readable_log(&self, _member: Member, _see: &mut dyn FnMut(&[Segment<'_>])) {}
}

fn broken(facts: &[(u32, Fact)]) -> Vec<&'static str> {
    let mut rules = Rules::default();
    for (at, (member, fact)) in facts.iter().enumerate() {
        rules.hear(at as u64, Member::of(*member), *fact, &Nowhere);
    }
    rules.take().1.into_iter().map(|v| v.rule).collect()
}

#[test]
fn a_lawful_story_breaks_nothing() {
    let facts = [
        (1, Fact::Voted { term: 1, candidate: 1 }),
        (2, Fact::Voted { term: 1, candidate: 1 }),
        (1, Fact::BecameLeader { term: 1 }),
        (1, Fact::Committed { index: 1, term: 1, crc: 7 }),
        (2, Fact::Committed { index: 1, term: 1, crc: 7 }),
        (1, Fact::Applied { index: 1, revision: 2 }),
        (2, Fact::Applied { index: 1, revision: 2 }),
        (2, Fact::BecameLeader { term: 2 }),
    ];
    assert_eq!(broken(&facts), Vec::<&str>::new());
}

#[test]
fn two_leaders_of_one_term() {
    let facts = [(1, Fact::BecameLeader { term: 3 }), (2, Fact::BecameLeader { term: 3 })];
    assert_eq!(broken(&facts), [ONE_LEADER]);
}

#[test]
fn two_votes_in_one_term() {
    let facts = [
        (1, Fact::Voted { term: 3, candidate: 2 }),
        (1, Fact::Voted { term: 3, candidate: 2 }),
        (1, Fact::Voted { term: 3, candidate: 9 }),
    ];
    assert_eq!(broken(&facts), [ONE_VOTE]);
}

#[test]
fn committed_entries_differ() {
    let facts = [
        (1, Fact::Committed { index: 4, term: 1, crc: 7 }),
        (2, Fact::Committed { index: 4, term: 2, crc: 7 }),
        (3, Fact::Committed { index: 4, term: 1, crc: 8 }),
    ];
    assert_eq!(broken(&facts), [COMMITTED_EQUAL, COMMITTED_EQUAL]);
}

#[test]
fn applied_ahead_or_apart() {
    let facts = [
        (1, Fact::Applied { index: 1, revision: 2 }),
        (1, Fact::Committed { index: 2, term: 1, crc: 7 }),
        (1, Fact::Applied { index: 2, revision: 3 }),
        (2, Fact::Applied { index: 2, revision: 4 }),
    ];
    assert_eq!(broken(&facts), [APPLIED_COMMITTED, APPLIED_EQUAL]);
}

#[test]
fn members_hold_something_else() {
    let facts = [
        (1, Fact::Hashed { revision: 64, compact_revision: 7, hash: 1 }),
        (2, Fact::Hashed { revision: 64, compact_revision: 9, hash: 2 }),
        (3, Fact::Hashed { revision: 64, compact_revision: 7, hash: 1 }),
        (3, Fact::Hashed { revision: 64, compact_revision: 9, hash: 1 }),
    ];
    assert_eq!(broken(&facts), [HASHES_EQUAL]);
}
