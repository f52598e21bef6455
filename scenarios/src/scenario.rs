//! A scenario as a person means it: settings, traffic and faults with times still to be drawn.

use crate::fault::{Crash, FileClass, Group, Keep, Link, Target};
use crate::plan::{Bug, ClusterSettings, Floor, MILLISECOND, OpWeights, SECOND};
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
    pub network: LatencyDraw,
    /// The disks without faults.
    pub disk: DiskDraw,
    /// What clients do.
    pub traffic: TrafficDraw,
    /// The faults.
    pub faults: Vec<FaultRule>,
    /// What a run must reach.
    pub floor: FloorRule,
}

/// A latency with its times still to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyDraw {
    /// At least.
    pub base: Draw,
    /// Plus a share of this.
    pub jitter: Draw,
    /// Chance in 1000 of the tail.
    pub tail_permille: u32,
    /// Then plus a share of this.
    pub tail: Draw,
}

/// Disk settings with their times still to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskDraw {
    /// Time of one read.
    pub read: Draw,
    /// Time of one write.
    pub write: Draw,
    /// Time of one sync.
    pub sync: Draw,
    /// What a power loss keeps; drawn when absent.
    pub keep: Option<Keep>,
    /// Chance in 1000 that a surviving sector is torn.
    pub torn_permille: u32,
}

/// Traffic with its times still to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficDraw {
    /// How long it goes on.
    pub duration_ns: u64,
    /// Clients.
    pub clients: u32,
    /// Mean pause of a client between two operations.
    pub pace: Draw,
    /// Keys in use.
    pub keys: u32,
    /// How often which operation.
    pub weights: OpWeights,
    /// Deadline of an operation.
    pub deadline: Draw,
    /// Mean time between compactions; 0 for none.
    pub compact_every: Draw,
    /// Compacts beyond what the evidence watchers delivered.
    pub compact_ahead: bool,
    /// Watchers that come and go.
    pub watchers: u32,
    /// Mean time between manual progress requests; 0 for none.
    pub progress_every: Draw,
    /// One full-range watcher at each member.
    pub evidence: bool,
}

/// One `[[fault]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// What happens.
    pub kind: FaultKind,
    /// To whom.
    pub target: Target,
    /// When, the first time.
    pub at: Draw,
    /// How long it lasts, or how long processes stay down.
    pub lasts: Draw,
    /// From one start to the next, again and again; once when absent.
    pub every: Option<Draw>,
}

/// A kind of fault with its times still to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// See [`Fault::Partition`](crate::fault::Fault::Partition).
    Partition,
    /// See [`Fault::PartitionOneWay`](crate::fault::Fault::PartitionOneWay).
    PartitionOneWay,
    /// See [`Fault::Isolate`](crate::fault::Fault::Isolate).
    Isolate,
    /// See [`Fault::SlowLink`](crate::fault::Fault::SlowLink).
    SlowLink(LatencyDraw),
    /// See [`Fault::Reset`](crate::fault::Fault::Reset).
    Reset,
    /// See [`Fault::Kill`](crate::fault::Fault::Kill).
    Kill,
    /// See [`Fault::PowerLoss`](crate::fault::Fault::PowerLoss).
    PowerLoss {
        /// What survives; drawn when absent.
        keep: Option<Keep>,
        /// Chance in 1000 that a surviving sector is torn.
        torn_permille: u32,
    },
    /// See [`Fault::Pause`](crate::fault::Fault::Pause).
    Pause,
    /// See [`Fault::CrashAt`](crate::fault::Fault::CrashAt).
    CrashAt {
        /// The probe.
        probe: String,
        /// How the member dies.
        by: Crash,
        /// How long it stays down.
        down: Draw,
    },
    /// See [`Fault::SyncError`](crate::fault::Fault::SyncError).
    SyncError {
        /// Which files.
        files: FileClass,
        /// Every sync, or only the first.
        sticky: bool,
    },
}

/// `[floor]`; what is absent is derived from the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloorRule {
    /// Operations with outcome `ok`; [`FloorRule::OK_OPERATIONS`] when absent.
    pub ok_operations: Option<u64>,
    /// Faults fired; every planned one when absent.
    pub faults_fired: Option<u64>,
    /// Watch events delivered; 1 when there are watchers, else 0.
    pub watch_events: Option<u64>,
}

impl FloorRule {
    /// The usual floor.
    pub const OK_OPERATIONS: u64 = 200;

    /// The floor of a plan with so many faults.
    pub fn of(&self, faults: usize, watched: bool) -> Floor {
        Floor {
            ok_operations: self.ok_operations.unwrap_or(FloorRule::OK_OPERATIONS),
            faults_fired: self.faults_fired.unwrap_or(faults as u64),
            watch_events: self.watch_events.unwrap_or(u64::from(watched)),
        }
    }
}

impl Default for LatencyDraw {
    /// Machines in one building.
    fn default() -> LatencyDraw {
        LatencyDraw {
            base: Draw::between(200_000, 2 * MILLISECOND),
            jitter: Draw::between(100_000, 2 * MILLISECOND),
            tail_permille: 5,
            tail: Draw::between(10 * MILLISECOND, 60 * MILLISECOND),
        }
    }
}

impl Default for DiskDraw {
    /// A disk whose sync costs something.
    fn default() -> DiskDraw {
        DiskDraw {
            read: Draw::exactly(80_000),
            write: Draw::between(20_000, 100_000),
            sync: Draw::between(MILLISECOND, 8 * MILLISECOND),
            keep: None,
            torn_permille: 50,
        }
    }
}

impl Default for TrafficDraw {
    fn default() -> TrafficDraw {
        TrafficDraw {
            duration_ns: 30 * SECOND,
            clients: 4,
            pace: Draw::exactly(80 * MILLISECOND),
            keys: 8,
            weights: OpWeights::default(),
            deadline: Draw::exactly(2 * SECOND),
            compact_every: Draw::between(4 * SECOND, 12 * SECOND),
            compact_ahead: false,
            watchers: 2,
            progress_every: Draw::exactly(2 * SECOND),
            evidence: true,
        }
    }
}

impl Default for OpWeights {
    fn default() -> OpWeights {
        OpWeights {
            put: 30,
            get: 20,
            range: 8,
            history: 5,
            serializable: 4,
            delete: 8,
            delete_range: 2,
            txn: 13,
            cas: 10,
        }
    }
}

impl OpWeights {
    /// All of them together.
    pub fn total(&self) -> u32 {
        let OpWeights { put, get, range, history, serializable, delete, delete_range, txn, cas } =
            self;
        put + get + range + history + serializable + delete + delete_range + txn + cas
    }
}

impl Default for ClusterSettings {
    /// etcd's timing; the log is cut far more often than in earnest, so that a run reaches it.
    fn default() -> ClusterSettings {
        ClusterSettings {
            heartbeat_ms: 100,
            election_ms: 1000,
            snapshot_count: 500,
            catch_up_entries: 100,
        }
    }
}

impl FaultRule {
    /// Whether a kind acts on what goes between members.
    pub(crate) fn takes_links(kind: &FaultKind) -> bool {
        match kind {
            FaultKind::Partition
            | FaultKind::PartitionOneWay
            | FaultKind::SlowLink(_)
            | FaultKind::Reset => true,
            FaultKind::Isolate
            | FaultKind::Kill
            | FaultKind::PowerLoss { .. }
            | FaultKind::Pause
            | FaultKind::CrashAt { .. }
            | FaultKind::SyncError { .. } => false,
        }
    }

    /// Whether a kind needs a second member to act.
    pub(crate) fn needs_peers(kind: &FaultKind) -> bool {
        matches!(
            kind,
            FaultKind::Partition
                | FaultKind::PartitionOneWay
                | FaultKind::SlowLink(_)
                | FaultKind::Isolate
        )
    }

    /// The groups it names.
    pub(crate) fn groups(&self) -> Vec<Group> {
        match self.target {
            Target::Group(group) => vec![group],
            Target::Link(Link { from, to }) => vec![from, to],
        }
    }
}
