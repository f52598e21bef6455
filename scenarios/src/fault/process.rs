//! Faults of processes and machines: kill, power loss, pause, crash at a probe.

use serde::{Deserialize, Serialize};

use super::Fault;
use super::kind::{Family, Kind, Lasts, Meanwhile, Targets};
use crate::settings::{Keep, Random, Unsynced, Value};
use crate::time::{Draw, SECOND};

/// A fault of a process or its machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    deny_unknown_fields,
    bound(
        serialize = "T: Serialize, T::Choice<Keep>: Serialize",
        deserialize = "T: Deserialize<'de>, T::Choice<Keep>: Deserialize<'de>"
    )
)]
pub enum ProcessFault<T: Value = u64> {
    /// The processes die; the page cache survives, connections are reset. They start again after
    /// the duration.
    Kill,
    /// The hosts lose power: unsynced sectors go by the policy, connections fall silent. They boot
    /// after the duration.
    PowerLoss {
        /// What the disks keep of what was not synced.
        unsynced: Unsynced<T::Choice<Keep>>,
    },
    /// The processes are frozen for the duration, as under SIGSTOP.
    Pause,
    /// While armed (from `at` on, for the duration) the first member of the group that reaches the
    /// probe dies there, once. It starts again after `down_ns`.
    CrashAt {
        /// Name of a probe in the server.
        probe: String,
        /// How it dies.
        by: Crash,
        /// How long it stays down.
        down_ns: T,
    },
}

/// How a member dies at a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crash {
    /// As [`ProcessFault::Kill`].
    Kill,
    /// As [`ProcessFault::PowerLoss`], with the plan's disk settings.
    PowerLoss,
}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "process",
    kinds: &[&KILL, &POWER_LOSS, &PAUSE, &CRASH_AT],
    parse: |json| serde_json::from_value(json).map(Fault::Process),
};

static KILL: Kind = Kind {
    word: "kill",
    targets: Targets::RUNNING,
    meanwhile: Meanwhile::Down,
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 5 * SECOND)),
    read: |_| Ok(ProcessFault::Kill.into()),
};

static POWER_LOSS: Kind = Kind {
    word: "power_loss",
    targets: Targets { strikes_stopped: true, ..Targets::RUNNING },
    meanwhile: Meanwhile::Down,
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 5 * SECOND)),
    read: |keys| Ok(ProcessFault::PowerLoss { unsynced: Unsynced::read(keys)? }.into()),
};

static PAUSE: Kind = Kind {
    word: "pause",
    targets: Targets::RUNNING,
    meanwhile: Meanwhile::Frozen,
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 4 * SECOND)),
    read: |_| Ok(ProcessFault::Pause.into()),
};

static CRASH_AT: Kind = Kind {
    word: "crash_at",
    targets: Targets::RUNNING,
    meanwhile: Meanwhile::Down,
    lasts: Lasts::UntilNext,
    read: |keys| {
        let words = [("kill", Crash::Kill), ("power_loss", Crash::PowerLoss)];
        Ok(ProcessFault::CrashAt {
            probe: keys.probe("probe")?,
            by: keys.word("by", &words, Crash::Kill)?,
            down_ns: keys.draw("down", Draw::between(SECOND / 2, 3 * SECOND))?,
        }
        .into())
    },
};

impl<T: Value> ProcessFault<T> {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            ProcessFault::Kill => &KILL,
            ProcessFault::PowerLoss { .. } => &POWER_LOSS,
            ProcessFault::Pause => &PAUSE,
            ProcessFault::CrashAt { .. } => &CRASH_AT,
        }
    }

    pub(super) fn probe(&self) -> Option<&str> {
        match self {
            ProcessFault::CrashAt { probe, .. } => Some(probe),
            ProcessFault::Kill | ProcessFault::PowerLoss { .. } | ProcessFault::Pause => None,
        }
    }
}

impl ProcessFault<Draw> {
    pub(super) fn draw(&self, random: &mut impl Random) -> ProcessFault {
        match self {
            ProcessFault::Kill => ProcessFault::Kill,
            ProcessFault::PowerLoss { unsynced } => {
                ProcessFault::PowerLoss { unsynced: unsynced.draw(random) }
            }
            ProcessFault::Pause => ProcessFault::Pause,
            ProcessFault::CrashAt { probe, by, down_ns } => ProcessFault::CrashAt {
                probe: probe.clone(),
                by: *by,
                down_ns: down_ns.draw(random),
            },
        }
    }
}

impl<T: Value> From<ProcessFault<T>> for Fault<T> {
    fn from(fault: ProcessFault<T>) -> Fault<T> {
        Fault::Process(fault)
    }
}
