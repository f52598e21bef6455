//! Reads a scenario file, and refuses what makes no sense with file, line, word and remedy.

use std::path::Path;

use toml::de::DeTable;

use crate::error::{Complaint, LoadError};
use crate::load_fault::fault;
use crate::plan::{Bug, ClusterSettings, OpWeights};
use crate::reader::{Section, Source};
use crate::scenario::{DiskDraw, FloorRule, LatencyDraw, Scenario, TrafficDraw};

/// How many seeds a scenario fixes for `cargo test`.
pub const FIXED_SEEDS: usize = 3;

/// Reads a scenario from a file, for a server that has these probes.
pub fn load(path: &Path, probes: &[&str]) -> Result<Scenario, LoadError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|reason| LoadError::Unreadable {
        file: file.clone(),
        reason: reason.to_string(),
    })?;
    parse(&file, &name_of(path), &text, probes)
}

/// The name of a scenario: its folder and its file's name without ending.
pub fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match path.parent().and_then(Path::file_name) {
        Some(folder) => format!("{}/{stem}", folder.to_string_lossy()),
        None => stem.into_owned(),
    }
}

/// Reads a scenario from its text; `file` is what errors call it.
pub fn parse(file: &str, name: &str, text: &str, probes: &[&str]) -> Result<Scenario, LoadError> {
    let source = Source { file, text, probes };
    let table = DeTable::parse(text).map_err(|error| {
        Complaint::at(file, text, error.span().unwrap_or(0..0), error.message().trim().to_owned())
            .remedy("correct the TOML at this place")
    })?;
    let root = Section::new(source, "the scenario", 0..0, table.get_ref());
    root.only(&[
        "title", "why", "seeds", "catches", "cluster", "network", "disk", "traffic", "fault",
        "floor",
    ])?;
    let title = root.required("title")?;
    let why = root.required("why")?;
    let (members, cluster, converge_ns) = cluster(&root)?;
    let network = match root.section("network", "[network]")? {
        Some(section) => {
            section.only(&LATENCY_KEYS)?;
            latency(&section, LatencyDraw::default())?
        }
        None => LatencyDraw::default(),
    };
    let traffic = traffic(&root)?;
    let faults = root
        .sections("fault")?
        .iter()
        .map(|section| fault(section, members, traffic.duration_ns))
        .collect::<Result<_, _>>()?;
    let bugs = Bug::ALL.map(|bug| (bug.name(), bug));
    Ok(Scenario {
        name: name.to_owned(),
        title,
        why: why.trim().to_owned(),
        seeds: seeds(&root)?,
        catches: root.word("catches", &bugs)?,
        members,
        cluster,
        converge_ns,
        network,
        disk: disk(&root)?,
        floor: floor(&root)?,
        traffic,
        faults,
    })
}

fn seeds(root: &Section<'_>) -> Result<Vec<u64>, LoadError> {
    let seeds = root.numbers("seeds", 0..=u64::MAX)?.unwrap_or_else(|| vec![1, 2, 3]);
    if seeds.len() != FIXED_SEEDS {
        return Err(root
            .complain("seeds", format!("`seeds` holds {} numbers", seeds.len()))
            .remedy("write three, such as `seeds = [1, 2, 3]`")
            .into());
    }
    Ok(seeds)
}

fn cluster(root: &Section<'_>) -> Result<(u32, ClusterSettings, u64), LoadError> {
    let Some(section) = root.section("cluster", "[cluster]")? else {
        return Err(root
            .complain("cluster", "`[cluster]` is missing")
            .remedy("add `[cluster]` with `members = 3`")
            .into());
    };
    section.only(&[
        "members",
        "heartbeat",
        "election",
        "snapshot_count",
        "catch_up_entries",
        "converge_within",
    ])?;
    let members = section.number("members", 1..=5)?.unwrap_or(3);
    if ![1, 3, 5].contains(&members) {
        return Err(section
            .complain("members", format!("a cluster of {members} members"))
            .remedy("write 1, 3 or 5")
            .into());
    }
    let usual = ClusterSettings::default();
    let settings = ClusterSettings {
        heartbeat_ms: section.time("heartbeat")?.map_or(usual.heartbeat_ms, millis),
        election_ms: section.time("election")?.map_or(usual.election_ms, millis),
        snapshot_count: section
            .number("snapshot_count", 1..=1_000_000)?
            .unwrap_or(usual.snapshot_count),
        catch_up_entries: section
            .number("catch_up_entries", 0..=1_000_000)?
            .unwrap_or(usual.catch_up_entries),
    };
    if settings.heartbeat_ms == 0 {
        return Err(section
            .complain("heartbeat", "`heartbeat` is shorter than a millisecond")
            .remedy("write at least \"1ms\"")
            .into());
    }
    if settings.election_ms < 5 * settings.heartbeat_ms {
        let key = if section.has("election") { "election" } else { "heartbeat" };
        return Err(section
            .complain(
                key,
                format!(
                    "`election` ({} ms) is shorter than five times `heartbeat` ({} ms)",
                    settings.election_ms, settings.heartbeat_ms
                ),
            )
            .remedy("raise `election` or lower `heartbeat`; mettled refuses this as well")
            .into());
    }
    let converge_ns = section.time("converge_within")?.unwrap_or(60 * crate::plan::SECOND);
    Ok((members as u32, settings, converge_ns))
}

fn millis(ns: u64) -> u64 {
    ns / crate::plan::MILLISECOND
}

/// Keys of a latency.
pub(crate) const LATENCY_KEYS: [&str; 4] = ["base", "jitter", "tail", "tail_permille"];

/// Reads a latency; what is absent stays as it is in `usual`.
pub(crate) fn latency(section: &Section<'_>, usual: LatencyDraw) -> Result<LatencyDraw, LoadError> {
    Ok(LatencyDraw {
        base: section.draw("base")?.unwrap_or(usual.base),
        jitter: section.draw("jitter")?.unwrap_or(usual.jitter),
        tail_permille: permille(section, "tail_permille")?.unwrap_or(usual.tail_permille),
        tail: section.draw("tail")?.unwrap_or(usual.tail),
    })
}

/// A chance in 1000.
pub(crate) fn permille(section: &Section<'_>, key: &str) -> Result<Option<u32>, LoadError> {
    Ok(section.number(key, 0..=1000)?.map(|number| number as u32))
}

fn disk(root: &Section<'_>) -> Result<DiskDraw, LoadError> {
    let usual = DiskDraw::default();
    let Some(section) = root.section("disk", "[disk]")? else { return Ok(usual) };
    section.only(&["read", "write", "sync", "keep", "torn_permille"])?;
    Ok(DiskDraw {
        read: section.draw("read")?.unwrap_or(usual.read),
        write: section.draw("write")?.unwrap_or(usual.write),
        sync: section.draw("sync")?.unwrap_or(usual.sync),
        keep: crate::load_fault::keep(&section)?,
        torn_permille: permille(&section, "torn_permille")?.unwrap_or(usual.torn_permille),
    })
}

fn traffic(root: &Section<'_>) -> Result<TrafficDraw, LoadError> {
    let usual = TrafficDraw::default();
    let Some(section) = root.section("traffic", "[traffic]")? else { return Ok(usual) };
    section.only(&[
        "duration",
        "clients",
        "pace",
        "keys",
        "weights",
        "deadline",
        "compact_every",
        "compact_ahead",
        "watchers",
        "progress_every",
        "evidence",
    ])?;
    let count = |key, limits, usual| {
        Ok::<u32, LoadError>(section.number(key, limits)?.map_or(usual, |number| number as u32))
    };
    let traffic = TrafficDraw {
        duration_ns: section.time("duration")?.unwrap_or(usual.duration_ns),
        clients: count("clients", 1..=200, usual.clients)?,
        pace: section.draw("pace")?.unwrap_or(usual.pace),
        keys: count("keys", 1..=10_000, usual.keys)?,
        weights: weights(&section, usual.weights)?,
        deadline: section.draw("deadline")?.unwrap_or(usual.deadline),
        compact_every: section.draw("compact_every")?.unwrap_or(usual.compact_every),
        compact_ahead: section.flag("compact_ahead")?.unwrap_or(usual.compact_ahead),
        watchers: count("watchers", 0..=100, usual.watchers)?,
        progress_every: section.draw("progress_every")?.unwrap_or(usual.progress_every),
        evidence: section.flag("evidence")?.unwrap_or(usual.evidence),
    };
    for (key, ns) in [
        ("duration", traffic.duration_ns),
        ("pace", traffic.pace.min_ns),
        ("deadline", traffic.deadline.min_ns),
    ] {
        if ns == 0 {
            return Err(section
                .complain(key, format!("`{key}` is zero"))
                .remedy("write a time above zero")
                .into());
        }
    }
    Ok(traffic)
}

fn weights(traffic: &Section<'_>, usual: OpWeights) -> Result<OpWeights, LoadError> {
    let Some(section) = traffic.section("weights", "[traffic.weights]")? else {
        return Ok(usual);
    };
    section.only(&[
        "put",
        "get",
        "range",
        "history",
        "serializable",
        "delete",
        "delete_range",
        "txn",
        "cas",
    ])?;
    let weight = |key| Ok::<u32, LoadError>(section.number(key, 0..=1000)?.unwrap_or(0) as u32);
    let weights = OpWeights {
        put: weight("put")?,
        get: weight("get")?,
        range: weight("range")?,
        history: weight("history")?,
        serializable: weight("serializable")?,
        delete: weight("delete")?,
        delete_range: weight("delete_range")?,
        txn: weight("txn")?,
        cas: weight("cas")?,
    };
    if weights.total() == 0 {
        return Err(traffic
            .complain("weights", "all weights are zero")
            .remedy("give at least one operation a weight; an operation left out has weight 0")
            .into());
    }
    Ok(weights)
}

fn floor(root: &Section<'_>) -> Result<FloorRule, LoadError> {
    let Some(section) = root.section("floor", "[floor]")? else {
        return Ok(FloorRule::default());
    };
    section.only(&["ok_operations", "faults_fired", "watch_events"])?;
    Ok(FloorRule {
        ok_operations: section.number("ok_operations", 0..=1_000_000_000)?,
        faults_fired: section.number("faults_fired", 0..=1_000_000)?,
        watch_events: section.number("watch_events", 0..=1_000_000_000)?,
    })
}
