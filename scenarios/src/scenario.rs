//! A scenario as a person means it: settings, traffic and faults with times still to be drawn.

use crate::fault::FaultRule;
use crate::planted::Bug;
use crate::settings::{ClusterSettings, DiskSettings, FloorRule, NetworkSettings, Traffic};
use crate::time::Draw;

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
    /// Members: 1, 3 or 5.
    pub members: u32,
    /// How members are configured.
    pub cluster: ClusterSettings,
    /// Time after the traffic in which all members must agree.
    pub converge_ns: u64,
    /// The network without faults.
    pub network: NetworkSettings<Draw>,
    /// The disks without faults.
    pub disk: DiskSettings<Draw>,
    /// How long traffic and faults go on.
    pub duration_ns: u64,
    /// What clients do.
    pub traffic: Traffic<Draw>,
    /// The faults.
    pub faults: Vec<FaultRule>,
    /// What a run must reach.
    pub floor: FloorRule,
}
