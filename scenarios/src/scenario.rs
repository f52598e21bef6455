//! A scenario as a person means it, read from its file: what makes no sense is refused.

use std::path::Path;

use toml::de::DeTable;

use crate::error::{Complaint, LoadError};
use crate::fault::{FaultRule, Story};
use crate::number::Number;
use crate::planted::Bug;
use crate::reader::{Keys, Section, Source};
use crate::settings::{
    Cluster, ClusterSettings, DiskSettings, FloorRule, LimitSettings, NetworkSettings,
    ServiceSettings, Traffic,
};
use crate::swarm::Swarm;
use crate::time::Draw;

/// How many seeds a scenario fixes for `cargo test`.
pub const FIXED_SEEDS: usize = 3;

/// One scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Folder and file name without ending: `faults/standard`.
    pub name: String,
    /// What it shows, in a line.
    pub title: String,
    /// Why it is worth running.
    pub why: String,
    /// The seeds `cargo test` runs.
    pub seeds: Vec<u64>,
    /// The planted bug it is there to catch; read by `planted` alone.
    pub catches: Option<Bug>,
    /// Faults may damage a quorum of copies; then the members need only stop rather than lie.
    pub unrestricted: bool,
    /// Members: 1, 3 or 5.
    pub members: Number,
    /// How members are configured.
    pub cluster: ClusterSettings<Draw>,
    /// Time after the traffic in which all members must agree.
    pub converge_ns: u64,
    /// How much members take, keep and do at a time.
    pub limits: LimitSettings<Draw>,
    /// The network without faults.
    pub network: NetworkSettings<Draw>,
    /// The disks without faults.
    pub disk: DiskSettings<Draw>,
    /// How long traffic and faults go on.
    pub duration_ns: u64,
    /// What clients do.
    pub traffic: Traffic<Draw>,
    /// What each seed draws beside that.
    pub swarm: Option<Swarm>,
    /// The faults.
    pub faults: Vec<FaultRule>,
    /// What is asked of the service.
    pub service: ServiceSettings,
    /// What a run must reach.
    pub floor: FloorRule,
}

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
        "title",
        "why",
        "seeds",
        "catches",
        "unrestricted",
        "swarm",
        "cluster",
        "limits",
        "network",
        "disk",
        "traffic",
        "fault",
        "service",
        "floor",
    ])?;
    let title = root.required("title")?;
    let why = root.required("why")?;
    let Cluster { members, settings: cluster, converge_ns } = Cluster::load(&root)?;
    let network =
        Keys::read(root.section("network", "[network]")?.as_ref(), NetworkSettings::read)?;
    let (duration_ns, traffic) = Traffic::load(&root)?;
    let story = Story { members: members.most() as u32, duration_ns };
    let faults = FaultRule::all(&root, story)?;
    let bugs: Vec<(&str, Bug)> = Bug::all().map(|bug| (bug.name(), bug)).collect();
    Ok(Scenario {
        name: name.to_owned(),
        title,
        why: why.trim().to_owned(),
        seeds: seeds(&root)?,
        catches: root.word("catches", &bugs)?,
        unrestricted: root.flag("unrestricted")?.unwrap_or(false),
        members,
        cluster,
        converge_ns,
        limits: Keys::read(root.section("limits", "[limits]")?.as_ref(), LimitSettings::read)?,
        network,
        disk: Keys::read(root.section("disk", "[disk]")?.as_ref(), DiskSettings::read)?,
        service: Keys::read(root.section("service", "[service]")?.as_ref(), ServiceSettings::read)?,
        floor: Keys::read(root.section("floor", "[floor]")?.as_ref(), FloorRule::read)?,
        duration_ns,
        traffic,
        swarm: Swarm::load(&root)?,
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
