//! The number of a member, from 1: the same type in every room, `m1` in words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A member of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Member(u8);

impl Member {
    /// The member of this number.
    pub const fn new(number: u8) -> Member {
        assert!(number > 0, "members are counted from 1");
        Member(number)
    }

    /// The member that a plan or a report calls by this number.
    pub fn of(number: u32) -> Member {
        let small = u8::try_from(number);
        assert!(small.is_ok(), "m{number} is more than a host's address can say");
        Member::new(small.unwrap_or_default())
    }

    /// All members of a cluster of `count`, ascending.
    pub fn all(count: u32) -> impl Iterator<Item = Member> + Clone {
        (1..=count).map(Member::of)
    }

    /// Its number, from 1.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its place in a list of all members, from 0.
    pub fn index(self) -> usize {
        usize::from(self.0) - 1
    }

    /// The member that comes `steps` later when a cluster of `count` is gone round.
    #[must_use]
    pub fn later(self, steps: u64, count: u32) -> Member {
        let place = (u64::from(self.0) - 1 + steps) % u64::from(count);
        Member::of(place as u32 + 1)
    }
}

impl From<Member> for u32 {
    fn from(member: Member) -> u32 {
        member.0.into()
    }
}

impl From<Member> for u64 {
    fn from(member: Member) -> u64 {
        member.0.into()
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_go_round() {
        let names: Vec<String> = Member::all(3).map(|member| member.to_string()).collect();
        assert_eq!(names, ["m1", "m2", "m3"]);
        assert_eq!(Member::new(3).later(1, 3), Member::new(1));
        assert_eq!(Member::new(2).later(4, 5), Member::new(1));
        assert_eq!(Member::new(3).index(), 2);
    }

    #[test]
    fn json_has_the_bare_number() {
        assert_eq!(serde_json::to_string(&Some(Member::new(2))).unwrap(), "2");
    }

    #[test]
    #[should_panic(expected = "m256 is more than a host's address can say")]
    fn a_number_that_no_address_has_is_refused() {
        Member::of(256);
    }
}
