//! One `[[fault]]` of a scenario: a fault, its target and its times, read and checked together.

use super::kind::Lasts;
use super::{Fault, Group, Kind, Link, Target, named, words};
use crate::error::LoadError;
use crate::reader::{Keys, Section};
use crate::time::{Draw, written};

/// Most times one fault may repeat.
const MOST_REPEATS: u64 = 1000;

/// One `[[fault]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault<Draw>,
    /// To whom.
    pub target: Target,
    /// When, the first time.
    pub at: Draw,
    /// How long it lasts, or how long processes stay down.
    pub lasts: Draw,
    /// From one start to the next, again and again; once when absent.
    pub every: Option<Draw>,
}

impl FaultRule {
    /// Reads a fault of a cluster of `members` whose traffic lasts `duration_ns`.
    pub(crate) fn load(
        section: &Section<'_>,
        members: u32,
        duration_ns: u64,
    ) -> Result<FaultRule, LoadError> {
        let kind = kind(section)?;
        let fault = fault(section, kind)?;
        let every = section.draw("every")?;
        let usual_at = Draw::between(duration_ns / 10, duration_ns * 7 / 10);
        let rule = FaultRule {
            fault,
            target: Target::read(section)?.unwrap_or(Target::Group(Group::Any)),
            at: section.draw("at")?.unwrap_or(usual_at),
            lasts: lasts(section, kind, every.map_or(duration_ns, |every| every.min_ns))?,
            every,
        };
        check_target(section, &rule, members)?;
        check_times(section, &rule, duration_ns)?;
        Ok(rule)
    }
}

/// Reads the word under `kind`.
fn kind(section: &Section<'_>) -> Result<&'static Kind, LoadError> {
    let Some(word) = section.string("kind")? else {
        return Err(section
            .complain("kind", "`kind` is missing in [[fault]]")
            .allowed("", &words())
            .remedy("add `kind = \"…\"` with one of the allowed words")
            .into());
    };
    match named(word.value) {
        Some((_, kind)) => Ok(kind),
        None => Err(section.unknown_word("fault kind", &word, &words())),
    }
}

/// Reads the fault's parameters, and refuses keys that it does not have.
fn fault(section: &Section<'_>, kind: &Kind) -> Result<Fault<Draw>, LoadError> {
    let fault = (kind.read)(&mut Keys::of(Some(section)))?;
    let times: &[&str] = match kind.lasts {
        Lasts::Instant => &["at", "every"],
        Lasts::Usually(_) | Lasts::UntilNext => &["at", "for", "every"],
    };
    section.only(&[&["kind", "target"], times, &Keys::asked_by(kind.read)].concat())?;
    Ok(fault)
}

/// `for`, or what is usual for the kind; a trap stays armed until `next_ns` later.
fn lasts(section: &Section<'_>, kind: &Kind, next_ns: u64) -> Result<Draw, LoadError> {
    let usual = match kind.lasts {
        Lasts::Instant => Draw::exactly(0),
        Lasts::Usually(draw) => draw,
        Lasts::UntilNext => Draw::exactly(next_ns.saturating_sub(1)),
    };
    let lasts = section.draw("for")?.unwrap_or(usual);
    if lasts.min_ns == 0 && section.has("for") {
        return Err(section
            .complain("for", "`for` is zero: nothing would happen")
            .remedy("write a time above zero")
            .into());
    }
    Ok(lasts)
}

fn check_target(section: &Section<'_>, rule: &FaultRule, members: u32) -> Result<(), LoadError> {
    let complain = |problem: String, remedy: &str| {
        Err(LoadError::from(section.complain("target", problem).remedy(remedy)))
    };
    let targets = rule.fault.kind().targets;
    for group in rule.target.groups() {
        match group {
            Group::Member(number) if number > members => {
                return complain(
                    format!("target names m{number}, and the cluster has {members} members"),
                    &format!("write m1 to m{members}, or raise `members` in [cluster]"),
                );
            }
            Group::Minority | Group::Follower if members == 1 => {
                return complain(
                    format!("a cluster of one has no {group}"),
                    "aim at m1, or raise `members` in [cluster]",
                );
            }
            _ => {}
        }
    }
    if targets.needs_peers && members == 1 {
        return Err(section
            .complain("kind", "this fault acts between members, and there is only one")
            .remedy("raise `members` in [cluster]")
            .into());
    }
    match rule.target {
        Target::Link(_) if !targets.takes_links => complain(
            "this fault strikes members, not a link".to_owned(),
            "write one group, such as `target = \"leader\"`",
        ),
        Target::Link(Link { from, to }) if from == to && is_single(from) => {
            complain(format!("the link leads from {from} to itself"), "name two different ends")
        }
        Target::Link(Link { from: Group::All, to: Group::All }) => complain(
            "nobody is left to hear when all speak to all".to_owned(),
            "name a part of the cluster at one end, or use `isolate`",
        ),
        Target::Group(Group::All) if targets.against_rest => complain(
            "nobody is left on the other side of `all`".to_owned(),
            "aim at a part of the cluster, or use `isolate`",
        ),
        _ => Ok(()),
    }
}

/// Whether the group is the same one member whenever it is asked for.
fn is_single(group: Group) -> bool {
    matches!(group, Group::Member(_) | Group::Leader)
}

fn check_times(section: &Section<'_>, rule: &FaultRule, duration_ns: u64) -> Result<(), LoadError> {
    if rule.at.max_ns >= duration_ns {
        return Err(section
            .complain(
                "at",
                format!(
                    "the fault may begin at {}, and the traffic lasts {}",
                    written(rule.at.max_ns),
                    written(duration_ns)
                ),
            )
            .remedy("begin earlier, or raise `duration` in [traffic]")
            .into());
    }
    let Some(every) = rule.every else { return Ok(()) };
    if every.min_ns == 0 || duration_ns / every.min_ns >= MOST_REPEATS {
        return Err(section
            .complain("every", format!("`every` = {every} repeats the fault too often"))
            .remedy(format!("repeat it less than {MOST_REPEATS} times"))
            .into());
    }
    if every.min_ns <= rule.lasts.max_ns {
        return Err(section
            .complain(
                "every",
                format!(
                    "repeated every {every}, the fault would begin again before it has ended \
                     (it lasts {})",
                    rule.lasts
                ),
            )
            .remedy("raise `every` above the longest `for`")
            .into());
    }
    Ok(())
}
