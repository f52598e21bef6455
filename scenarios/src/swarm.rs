//! `[swarm]`: each seed draws its faults from the whole table and its mix of operations, and leaves
//! families of faults and kinds of operations out altogether.
//!
//! What is left out matters as much as what is drawn: a fault that always strikes hides what only
//! comes up in its absence.

use crate::error::LoadError;
use crate::fault::{self, FaultRule, Group, Kind, Link, Target};
use crate::number::{Number, Spread};
use crate::reader::{Keys, Section};
use crate::settings::{OpWeights, Random, Traffic};

/// Chance in 1000 that a fault waits for an election from its time on.
const AFTER_ELECTION: u64 = 150;

/// What a seed may draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swarm {
    /// How many faults a seed draws.
    pub faults: Number,
    /// The words of the faults that no seed draws.
    pub without: Vec<String>,
    /// Chance in 1000 that a family of faults, or a kind of operation, is left out altogether.
    pub left_out_permille: u32,
}

impl Swarm {
    /// Reads `[swarm]`, if it is there.
    pub(crate) fn load(root: &Section<'_>) -> Result<Option<Swarm>, LoadError> {
        let Some(section) = root.section("swarm", "[swarm]")? else { return Ok(None) };
        let (faults, left_out_permille) = Keys::read(Some(&section), |keys| {
            // Read below, where its words are checked.
            keys.known("without");
            let faults = keys.choice("faults", 0..=32, 4, Spread::Even)?;
            Ok((faults, keys.permille("left_out_permille", 400)?))
        })?;
        let words = section.strings("without")?.unwrap_or_default();
        for word in &words {
            if fault::named(word.value).is_none() {
                return Err(section.unknown_word("fault kind", word, &fault::words()));
            }
        }
        let without = words.iter().map(|word| word.value.to_owned()).collect();
        Ok(Some(Swarm { faults, without, left_out_permille }))
    }

    /// The faults of one seed, in a cluster of so many members and for so long.
    pub fn faults(
        &self,
        members: u32,
        duration_ns: u64,
        probes: &[&str],
        random: &mut impl Random,
    ) -> Vec<FaultRule> {
        let kept = self.kinds(members, random);
        let mut drawn = Vec::new();
        if kept.is_empty() {
            return drawn;
        }
        let count = match &self.faults {
            Number::One(number) => *number,
            open => random.between(open.least(), open.most()),
        };
        for _ in 0..count {
            let kind = kept[pick(kept.len(), random)];
            drawn.extend(rule(kind, members, duration_ns, probes, random));
        }
        drawn
    }

    /// The faults that this seed may draw: whole families are left out.
    fn kinds(&self, members: u32, random: &mut impl Random) -> Vec<&'static Kind> {
        let mut kept = Vec::new();
        for family in fault::FAMILIES {
            if random.between(0, 999) < u64::from(self.left_out_permille) {
                continue;
            }
            let fits = |kind: &&&'static Kind| {
                kind.targets.needs_members <= members
                    && (members > 1 || !kind.targets.needs_peers)
                    && !self.without.iter().any(|word| word == kind.word)
            };
            kept.extend(family.kinds.iter().filter(fits).copied());
        }
        kept
    }

    /// Leaves kinds of operations out, and switches evidence and compactions ahead of it.
    pub fn mix(&self, traffic: &mut Traffic, random: &mut impl Random) {
        let weights = &mut traffic.weights;
        weights.for_each(|weight| {
            if random.between(0, 999) < u64::from(self.left_out_permille) {
                *weight = 0;
            }
        });
        if weights.total() == 0 {
            *weights = OpWeights { put: 1, ..OpWeights::default() };
        }
        traffic.evidence = random.between(0, 1) == 0;
        traffic.compact_ahead = random.between(0, 1) == 0;
    }
}

/// A fault of a kind, with its target, its time and its parameters; none where the cluster has
/// nobody to strike.
fn rule(
    kind: &'static Kind,
    members: u32,
    duration_ns: u64,
    probes: &[&str],
    random: &mut impl Random,
) -> Option<FaultRule> {
    let targets = targets(kind, members);
    let target = targets[pick(targets.len(), random)];
    let waits = random.between(0, 999) < AFTER_ELECTION;
    let fault = Keys::chosen(&mut |count| pick(count, random), probes, kind.read);
    let drawn = |target| FaultRule::drawn(fault.clone(), target, duration_ns, waits);
    let rule = drawn(target).or_else(|| drawn(Target::Group(kind.usual_target)));
    rule.filter(|rule| rule.fits(members))
}

/// Whom a kind may be aimed at in a cluster of so many members; what is likelier stands more often.
fn targets(kind: &Kind, members: u32) -> Vec<Target> {
    if kind.usual_target != Group::Any {
        return vec![Target::Group(kind.usual_target)];
    }
    let mut groups = vec![Group::Any, Group::Leader];
    if members > 1 {
        groups.extend([Group::Leader, Group::Follower, Group::Any]);
    }
    if members > 1 && !kind.damages {
        groups.extend([Group::Minority, Group::Some]);
        if kind.targets.against_rest {
            groups.push(Group::Majority);
        } else {
            groups.push(Group::All);
        }
    }
    let mut targets: Vec<Target> = groups.into_iter().map(Target::Group).collect();
    if kind.targets.takes_links && members > 1 {
        let link = |from, to| Target::Link(Link { from, to });
        targets.push(link(Group::Leader, Group::Follower));
        targets.push(link(Group::Follower, Group::Leader));
    }
    targets
}

fn pick(count: usize, random: &mut impl Random) -> usize {
    random.between(0, count as u64 - 1) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Counts up; every limit meets every number.
    struct Counting(u64);

    impl Random for Counting {
        fn between(&mut self, low: u64, high: u64) -> u64 {
            // Odd, and far from any power of two.
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
            low + (self.0 >> 33) % (high - low + 1)
        }
    }

    fn swarm(text: &str) -> Result<Swarm, LoadError> {
        let text = format!("title='t'\nwhy='w'\n[cluster]\n[swarm]\n{text}");
        crate::parse("x", "test/x", &text, &[]).map(|scenario| scenario.swarm.expect("it is there"))
    }

    #[test]
    fn each_fault_is_drawn_by_some_seed_and_none_that_is_left_out() {
        let swarm = swarm("faults = 6\nwithout = ['kill', 'wipe']").unwrap();
        for members in [1, 3, 5] {
            let mut drawn = BTreeSet::new();
            for seed in 0..2000 {
                let random = &mut Counting(seed);
                let rules = swarm.faults(members, 60_000_000_000, &["a probe"], random);
                assert!(rules.iter().all(|rule| rule.fits(members)));
                drawn.extend(rules.iter().map(|rule| rule.fault.word()));
            }
            let possible = fault::all().map(|(_, kind)| kind).filter(|kind| {
                kind.targets.needs_members <= members && (members > 1 || !kind.targets.needs_peers)
            });
            let possible: BTreeSet<&str> = possible.map(|kind| kind.word).collect();
            let missing: Vec<&&str> = possible.difference(&drawn).collect();
            assert_eq!(missing, [&"kill", &"wipe"], "of {members} members");
        }
    }

    #[test]
    fn families_and_operations_are_left_out_and_never_all_operations() {
        let all = swarm("left_out_permille = 1000").unwrap();
        let random = &mut Counting(7);
        assert!(all.faults(3, 1_000_000_000, &[], random).is_empty());
        let mut traffic = Traffic::default();
        all.mix(&mut traffic, random);
        assert_eq!((traffic.weights.put, traffic.weights.total()), (1, 1));
        let none = swarm("left_out_permille = 0\nfaults = 3").unwrap();
        assert!(none.faults(3, 1_000_000_000, &["a"], random).len() <= 3);
        let mut traffic = Traffic::default();
        none.mix(&mut traffic, random);
        assert_eq!(traffic.weights, OpWeights::usual());
    }

    #[test]
    fn an_unknown_fault_is_refused_by_name() {
        let error = swarm("without = ['kil']").unwrap_err().to_string();
        assert!(error.contains("kil") && error.contains("kill"), "{error}");
    }
}
