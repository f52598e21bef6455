//! Reads a scenario file, and refuses what makes no sense with file, line, word and remedy.

use std::path::Path;

use toml::de::DeTable;

use crate::Scenario;
use crate::error::{Complaint, LoadError};
use crate::fault::FaultRule;
use crate::planted::Bug;
use crate::reader::{Keys, Section, Source};
use crate::settings::{Cluster, DiskSettings, FloorRule, NetworkSettings, Traffic};

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
    let Cluster { members, settings: cluster, converge_ns } = Cluster::load(&root)?;
    let network =
        Keys::read(root.section("network", "[network]")?.as_ref(), NetworkSettings::read)?;
    let traffic = root.section("traffic", "[traffic]")?;
    let (duration_ns, traffic) = Keys::read(traffic.as_ref(), Traffic::read)?;
    let faults = root
        .sections("fault")?
        .iter()
        .map(|section| FaultRule::load(section, members, duration_ns))
        .collect::<Result<_, _>>()?;
    let bugs: Vec<(&str, Bug)> = Bug::all().map(|bug| (bug.name(), bug)).collect();
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
        disk: Keys::read(root.section("disk", "[disk]")?.as_ref(), DiskSettings::read)?,
        floor: Keys::read(root.section("floor", "[floor]")?.as_ref(), FloorRule::read)?,
        duration_ns,
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
