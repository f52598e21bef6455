//! Resolves the target of a fault among the members that run, at the moment the fault fires.

use std::fmt;

use mettle_scenarios::fault::{Group, Link, Target};

use crate::member::Member;
use crate::stream::{Stream, Streams};

/// The members at one moment.
#[derive(Clone, Debug)]
pub struct ClusterView {
    /// Where coins come from.
    pub streams: Streams,
    /// All members, ascending.
    pub members: Vec<Member>,
    /// Those whose process runs, ascending.
    pub running: Vec<Member>,
    /// Who became leader in the highest term.
    pub leader: Option<Member>,
    /// Whom the faults before have struck.
    pub struck: Vec<Member>,
}

/// Whom a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedTarget {
    /// The group aimed at, or the speakers of a link.
    pub group: Vec<Member>,
    /// All other members, or the hearers of a link.
    pub rest: Vec<Member>,
    /// Whether a link was aimed at: then only what goes from `group` to `rest` is meant.
    pub link: bool,
}

impl ClusterView {
    /// Resolves a target by the coins of fault `id`; `None` when there is nobody to strike.
    pub fn resolve(&self, id: u32, target: Target) -> Option<ResolvedTarget> {
        let mut stream = self.streams.open("fault-target", id.into(), 0);
        let resolved = match target {
            Target::Group(group) => {
                let group = self.members_of(group, &self.running, &mut stream);
                self.against_rest(group)
            }
            Target::Both([first, second]) => {
                let mut group = self.members_of(first, &self.running, &mut stream);
                let chosen_by_coin = matches!(second, Group::Any | Group::Follower);
                let free = |member: &Member| !(chosen_by_coin && group.contains(member));
                let among: Vec<Member> = self.running.iter().copied().filter(free).collect();
                group.extend(self.members_of(second, &among, &mut stream));
                group.sort_unstable();
                group.dedup();
                self.against_rest(group)
            }
            Target::Link(link) => {
                let (from, to) = self.link(link, &mut stream)?;
                ResolvedTarget { group: from, rest: to, link: true }
            }
        };
        (!resolved.group.is_empty()).then_some(resolved)
    }

    /// A group against everybody else.
    fn against_rest(&self, group: Vec<Member>) -> ResolvedTarget {
        let others = self.members.iter().copied().filter(|member| !group.contains(member));
        ResolvedTarget { rest: others.collect(), group, link: false }
    }

    /// A group of two at least: one alone is given a partner among `candidates`.
    pub fn with_partner(
        &self,
        id: u32,
        resolved: ResolvedTarget,
        candidates: &[Member],
    ) -> Option<ResolvedTarget> {
        if resolved.group.len() > 1 {
            return Some(resolved);
        }
        let mut stream = self.streams.open("fault-partner", id.into(), 0);
        let others = candidates.iter().copied().filter(|m| !resolved.group.contains(m));
        let others: Vec<Member> = others.collect();
        let mut group = resolved.group;
        group.extend(some(1, &others, &mut stream));
        group.sort_unstable();
        (group.len() > 1).then(|| self.against_rest(group))
    }

    /// Speakers, then hearers among the others. When everybody speaks the hearers are chosen first.
    fn link(&self, link: Link, stream: &mut Stream) -> Option<(Vec<Member>, Vec<Member>)> {
        let without = |some: &[Member]| -> Vec<Member> {
            self.running.iter().copied().filter(|member| !some.contains(member)).collect()
        };
        let mut from = self.members_of(link.from, &self.running, stream);
        let others = without(&from);
        let to = if others.is_empty() {
            let to = self.members_of(link.to, &self.running, stream);
            from = without(&to);
            to
        } else {
            self.members_of(link.to, &others, stream)
        };
        (!from.is_empty() && !to.is_empty()).then_some((from, to))
    }

    fn members_of(&self, group: Group, among: &[Member], stream: &mut Stream) -> Vec<Member> {
        let leader = self.leader.filter(|leader| among.contains(leader));
        let followers: Vec<Member> =
            among.iter().copied().filter(|member| Some(*member) != self.leader).collect();
        let quorum = self.members.len() / 2 + 1;
        match group {
            Group::Member(number) => {
                among.iter().copied().filter(|m| u32::from(*m) == number).collect()
            }
            Group::Leader => leader.map_or_else(|| some(1, among, stream), |leader| vec![leader]),
            Group::Follower => some(1, &followers, stream),
            Group::Any => some(1, among, stream),
            Group::Minority => some(quorum - 1, among, stream),
            Group::Majority => some(quorum, among, stream),
            Group::Some => {
                let count = 1 + stream.below(among.len() as u64) as usize;
                some(count, among, stream)
            }
            Group::All => among.to_vec(),
            Group::Struck => {
                among.iter().copied().filter(|member| self.struck.contains(member)).collect()
            }
        }
    }
}

/// So many members by the stream's coins, ascending.
fn some(count: usize, among: &[Member], stream: &mut Stream) -> Vec<Member> {
    let mut left = among.to_vec();
    let mut chosen = Vec::new();
    while chosen.len() < count && !left.is_empty() {
        chosen.push(left.remove(stream.below(left.len() as u64) as usize));
    }
    chosen.sort_unstable();
    chosen
}

impl fmt::Display for ResolvedTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, members: &[Member]| {
            for (place, member) in members.iter().enumerate() {
                write!(f, "{}{member}", if place == 0 { "" } else { " " })?;
            }
            Ok(())
        };
        list(f, &self.group)?;
        if self.link {
            f.write_str(" -> ")?;
            list(f, &self.rest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
