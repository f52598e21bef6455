//! Reads one `[[fault]]`: its kind with the parameters of that kind, its target and its times.

use crate::error::LoadError;
use crate::fault::{Crash, Fault, FileClass, Group, Keep, Link, Target};
use crate::load::{LATENCY_KEYS, latency, permille};
use crate::plan::{MILLISECOND, SECOND};
use crate::reader::{Placed, Section};
use crate::scenario::{FaultKind, FaultRule, LatencyDraw};
use crate::time::{Draw, written};

/// Most times one fault may repeat.
const MOST_REPEATS: u64 = 1000;

/// Reads a fault of a cluster of `members` whose traffic lasts `duration_ns`.
pub(crate) fn fault(
    section: &Section<'_>,
    members: u32,
    duration_ns: u64,
) -> Result<FaultRule, LoadError> {
    let kind = kind(section)?;
    let every = section.draw("every")?;
    let rule = FaultRule {
        target: target(section)?.unwrap_or(Target::Group(Group::Any)),
        at: section.draw("at")?.unwrap_or(Draw::between(duration_ns / 10, duration_ns * 7 / 10)),
        lasts: lasts(section, &kind, every.map_or(duration_ns, |every| every.min_ns))?,
        every,
        kind,
    };
    check_target(section, &rule, members)?;
    check_times(section, &rule, duration_ns)?;
    Ok(rule)
}

fn kind(section: &Section<'_>) -> Result<FaultKind, LoadError> {
    let Some(word) = section.string("kind")? else {
        return Err(section
            .complain("kind", "`kind` is missing in [[fault]]")
            .allowed("", &Fault::KINDS)
            .remedy("add `kind = \"…\"` with one of the allowed words")
            .into());
    };
    let parameters: &[&str] = match word.value {
        "slow_link" => &LATENCY_KEYS,
        "power_loss" => &["keep", "torn_permille"],
        "crash_at" => &["probe", "by", "down"],
        "sync_error" => &["files", "sticky"],
        _ => &[],
    };
    let times: &[&str] =
        if word.value == "reset" { &["at", "every"] } else { &["at", "for", "every"] };
    let kind = match word.value {
        "partition" => FaultKind::Partition,
        "partition_one_way" => FaultKind::PartitionOneWay,
        "isolate" => FaultKind::Isolate,
        "slow_link" => FaultKind::SlowLink(latency(section, slow())?),
        "reset" => FaultKind::Reset,
        "kill" => FaultKind::Kill,
        "power_loss" => FaultKind::PowerLoss {
            keep: keep(section)?,
            torn_permille: permille(section, "torn_permille")?.unwrap_or(50),
        },
        "pause" => FaultKind::Pause,
        "crash_at" => FaultKind::CrashAt {
            probe: section.probe("probe")?,
            by: section
                .word("by", &[("kill", Crash::Kill), ("power_loss", Crash::PowerLoss)])?
                .unwrap_or(Crash::Kill),
            down: section.draw("down")?.unwrap_or(Draw::between(SECOND / 2, 3 * SECOND)),
        },
        "sync_error" => FaultKind::SyncError {
            files: section
                .word(
                    "files",
                    &[
                        ("wal", FileClass::Wal),
                        ("state", FileClass::State),
                        ("any", FileClass::Any),
                    ],
                )?
                .unwrap_or(FileClass::Wal),
            sticky: section.flag("sticky")?.unwrap_or(false),
        },
        _ => return Err(section.unknown_word("fault kind", &word, &Fault::KINDS)),
    };
    section.only(&[&["kind", "target"], times, parameters].concat())?;
    Ok(kind)
}

/// A link through half the world.
fn slow() -> LatencyDraw {
    LatencyDraw {
        base: Draw::between(50 * MILLISECOND, 400 * MILLISECOND),
        jitter: Draw::between(10 * MILLISECOND, 200 * MILLISECOND),
        tail_permille: 20,
        tail: Draw::between(500 * MILLISECOND, 2 * SECOND),
    }
}

/// Reads `keep`; `any`, or nothing, leaves it to be drawn.
pub(crate) fn keep(section: &Section<'_>) -> Result<Option<Keep>, LoadError> {
    let words = [
        ("any", None),
        ("none", Some(Keep::None)),
        ("all", Some(Keep::All)),
        ("prefix", Some(Keep::Prefix)),
        ("subset", Some(Keep::Subset)),
    ];
    Ok(section.word("keep", &words)?.flatten())
}

/// `for`, or what is usual for the kind; a trap stays armed until `next_ns` later.
fn lasts(section: &Section<'_>, kind: &FaultKind, next_ns: u64) -> Result<Draw, LoadError> {
    let usual = match kind {
        FaultKind::Partition
        | FaultKind::PartitionOneWay
        | FaultKind::Isolate
        | FaultKind::SlowLink(_) => Draw::between(2 * SECOND, 10 * SECOND),
        FaultKind::Kill | FaultKind::PowerLoss { .. } => Draw::between(SECOND / 2, 5 * SECOND),
        FaultKind::Pause => Draw::between(SECOND / 2, 4 * SECOND),
        FaultKind::Reset => Draw::exactly(0),
        FaultKind::CrashAt { .. } | FaultKind::SyncError { .. } => {
            Draw::exactly(next_ns.saturating_sub(1))
        }
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

fn target(section: &Section<'_>) -> Result<Option<Target>, LoadError> {
    if let Some(link) = section.link("target") {
        link.only(&["from", "to"])?;
        let end = |key| {
            let Some(word) = link.string(key)? else {
                return Err(link
                    .complain(key, format!("`{key}` is missing in the link"))
                    .remedy("write `target = { from = \"leader\", to = \"follower\" }`")
                    .into());
            };
            group(&link, &word)
        };
        return Ok(Some(Target::Link(Link { from: end("from")?, to: end("to")? })));
    }
    let Some(word) = section.string("target")? else { return Ok(None) };
    group(section, &word).map(|group| Some(Target::Group(group)))
}

fn group(section: &Section<'_>, word: &Placed<&str>) -> Result<Group, LoadError> {
    let words: Vec<&str> = ["m1", "m2", "m3", "m4", "m5"].into_iter().chain(Group::WORDS).collect();
    word.value.parse().map_err(|_| section.unknown_word("target", word, &words))
}

fn check_target(section: &Section<'_>, rule: &FaultRule, members: u32) -> Result<(), LoadError> {
    let complain = |problem: String, remedy: &str| {
        Err(LoadError::from(section.complain("target", problem).remedy(remedy)))
    };
    for group in rule.groups() {
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
    if FaultRule::needs_peers(&rule.kind) && members == 1 {
        return Err(section
            .complain("kind", "this fault acts between members, and there is only one")
            .remedy("raise `members` in [cluster]")
            .into());
    }
    match rule.target {
        Target::Link(_) if !FaultRule::takes_links(&rule.kind) => complain(
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
        Target::Group(Group::All)
            if FaultRule::needs_peers(&rule.kind) && against_rest(&rule.kind) =>
        {
            complain(
                "nobody is left on the other side of `all`".to_owned(),
                "aim at a part of the cluster, or use `isolate`",
            )
        }
        _ => Ok(()),
    }
}

fn is_single(group: Group) -> bool {
    matches!(group, Group::Member(_) | Group::Leader)
}

fn against_rest(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Partition | FaultKind::PartitionOneWay)
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
