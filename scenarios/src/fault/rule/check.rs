//! What no `[[fault]]` may ask for: targets that are not there, times that never come.

use super::{FaultRule, MOST_REPEATS, Story, is_single};
use crate::error::LoadError;
use crate::fault::{Group, Link, Target, Targets, Trigger};
use crate::reader::Section;
use crate::time::written;

type Checked = Result<(), LoadError>;

/// Refuses a target that this fault cannot strike in a cluster of this size.
pub(super) fn target(
    section: &Section<'_>,
    rule: &FaultRule,
    story: Story,
    is_step: bool,
) -> Checked {
    let Story { members, .. } = story;
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
            Group::Struck if !is_step && !matches!(rule.after, Some(Trigger::Fault(_))) => {
                return complain(
                    "nobody is struck before this fault".to_owned(),
                    "use `struck` in a step of `then`, or with `after = \"fault:NAME\"`",
                );
            }
            _ => {}
        }
    }
    let least = needs(rule);
    if members < least {
        let problem = match least {
            2 => "this fault acts between members, and there is only one".to_owned(),
            _ => format!("this fault needs {least} members, and there are {members}"),
        };
        let complaint = section.complain("kind", problem);
        return Err(complaint.remedy("raise `members` in [cluster]").into());
    }
    shape(rule, targets).map_or(Ok(()), |(problem, remedy)| complain(problem, remedy))
}

/// Whether a fault can strike its target in a cluster of `members`.
pub(super) fn fits(rule: &FaultRule, members: u32) -> bool {
    let there = |group| match group {
        Group::Member(number) => number <= members,
        Group::Minority | Group::Follower => members > 1,
        _ => true,
    };
    members >= needs(rule) && rule.target.groups().into_iter().all(there)
}

/// The fewest members among which a fault can act.
fn needs(rule: &FaultRule) -> u32 {
    let between = if rule.fault.needs_peers() { 2 } else { 1 };
    rule.fault.kind().targets.needs_members.max(between)
}

/// What is wrong with the shape of a target: a link or a group, one side or two.
pub(super) fn shape(rule: &FaultRule, targets: Targets) -> Option<(String, &'static str)> {
    match rule.target {
        Target::Link(_) if !targets.takes_links => Some((
            "this fault strikes members, not a link".to_owned(),
            "write one group, such as `target = \"leader\"`",
        )),
        Target::Link(_) if rule.fault.reaches_clients() => Some((
            "a link lies between members, and the fault is to reach clients".to_owned(),
            "write one group, such as `target = \"leader\"`, or leave `between` out",
        )),
        Target::Link(Link { from, to }) if from == to && is_single(from) => {
            Some((format!("the link leads from {from} to itself"), "name two different ends"))
        }
        Target::Link(Link { from: Group::All, to: Group::All }) => Some((
            "nobody is left to hear when all speak to all".to_owned(),
            "name a part of the cluster at one end, or use `isolate`",
        )),
        Target::Group(Group::All) if targets.against_rest => Some((
            "nobody is left on the other side of `all`".to_owned(),
            "aim at a part of the cluster, or use `isolate`",
        )),
        _ => None,
    }
}

/// Refuses times at which nothing would begin, or at which everything would begin at once.
pub(super) fn times(section: &Section<'_>, rule: &FaultRule, story: Story) -> Checked {
    let Story { duration_ns, .. } = story;
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
    let Some(every) = rule.every else {
        return match rule.times {
            Some(_) => Err(section
                .complain("times", "`times` stands without `every`")
                .remedy("add `every`, or remove it")
                .into()),
            None => Ok(()),
        };
    };
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

/// Refuses a fault that waits for one that nobody has named, and a second fault of one name.
pub(super) fn names(sections: &[Section<'_>], rules: &[FaultRule]) -> Checked {
    let named: Vec<&str> =
        rules.iter().flat_map(FaultRule::steps).filter_map(|rule| rule.name.as_deref()).collect();
    for (section, rule) in sections.iter().zip(rules) {
        for (step, of) in rule.steps().enumerate() {
            let twice = of
                .name
                .as_deref()
                .filter(|name| named.iter().filter(|other| *other == name).count() > 1);
            let unknown = match &of.after {
                Some(Trigger::Fault(name)) if !named.contains(&name.as_str()) => Some(name),
                _ => None,
            };
            let key = if step > 0 {
                "then"
            } else if twice.is_some() {
                "name"
            } else {
                "after"
            };
            if let Some(name) = twice {
                return Err(section
                    .complain(key, format!("two faults are called `{name}`"))
                    .remedy("give each a name of its own")
                    .into());
            }
            if let Some(name) = unknown {
                return Err(section
                    .complain(key, format!("no fault is called `{name}`"))
                    .allowed(name, &named)
                    .remedy("add `name` to the fault that is waited for")
                    .into());
            }
        }
    }
    Ok(())
}
