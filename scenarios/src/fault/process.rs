//! Faults of processes and machines: how they die, stop, freeze, slow down, and start again.

use serde::{Deserialize, Serialize};

use super::kind::{Family, Kind, Lasts, Meanwhile, Targets};
use super::{Fault, Group};
use crate::settings::{Keep, Random, Unsynced, Value};
use crate::time::{Draw, MILLISECOND, SECOND};

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
    /// The same, of any members in the same instant, a majority included.
    PowerLossMany {
        /// What the disks keep of what was not synced.
        unsynced: Unsynced<T::Choice<Keep>>,
    },
    /// The processes die again and again, each time a moment after they started.
    CrashLoop {
        /// How long a process lives at most.
        up_ns: T,
        /// How long it stays down each time.
        down_ns: T,
    },
    /// The processes are stopped as an operator stops them, and start after the duration.
    Stop,
    /// The processes get a share of the time only, in every period of it.
    SlowCpu {
        /// The share.
        share_permille: u32,
        /// The period.
        period_ns: T,
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
    kinds: &[
        &KILL,
        &POWER_LOSS,
        &POWER_LOSS_MANY,
        &CRASH_LOOP,
        &STOP,
        &SLOW_CPU,
        &PAUSE,
        &CRASH_AT,
    ],
    parse: |json| serde_json::from_value(json).map(Fault::Process),
};

static KILL: Kind = Kind {
    word: "kill",
    about: "The processes die; the page cache survives and connections are reset.",
    effect: "the member served again",
    meanwhile: Meanwhile::Down,
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 5 * SECOND)),
    read: |_| Ok(ProcessFault::Kill.into()),
    ..Kind::USUAL
};

static POWER_LOSS: Kind = Kind {
    word: "power_loss",
    about: "Machines lose power: unsynced sectors go by the policy, connections fall silent.",
    effect: "unsynced sectors existed at that instant",
    targets: Targets { strikes_stopped: true, ..Targets::RUNNING },
    meanwhile: Meanwhile::Down,
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 5 * SECOND)),
    read: |keys| Ok(ProcessFault::PowerLoss { unsynced: Unsynced::read(keys)? }.into()),
    ..Kind::USUAL
};

static POWER_LOSS_MANY: Kind = Kind {
    word: "power_loss_many",
    about: "Any number of machines lose power in the same instant.",
    effect: "unsynced sectors existed at that instant",
    targets: Targets { strikes_stopped: true, ..Targets::RUNNING },
    usual_target: Group::Some,
    meanwhile: Meanwhile::Down,
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 5 * SECOND)),
    read: |keys| Ok(ProcessFault::PowerLossMany { unsynced: Unsynced::read(keys)? }.into()),
    ..Kind::USUAL
};

static CRASH_LOOP: Kind = Kind {
    word: "crash_loop",
    about: "The processes die again and again, each time a moment after they started.",
    effect: "a process died that this fault had started",
    meanwhile: Meanwhile::Down,
    lasts: Lasts::Usually(Draw::between(SECOND, 5 * SECOND)),
    read: |keys| {
        let up_ns = keys.draw_above_zero("up", Draw::between(MILLISECOND, 300 * MILLISECOND))?;
        let down_ns = keys.draw_above_zero("down", Draw::between(MILLISECOND, SECOND / 5))?;
        Ok(ProcessFault::CrashLoop { up_ns, down_ns }.into())
    },
    ..Kind::USUAL
};

static STOP: Kind = Kind {
    word: "stop",
    about: "The processes are told to stop, end by themselves, and start after the duration.",
    effect: "the member stopped, and served again",
    meanwhile: Meanwhile::Down,
    lasts: Lasts::Usually(Draw::between(2 * SECOND, 6 * SECOND)),
    read: |_| Ok(ProcessFault::Stop.into()),
    ..Kind::USUAL
};

static SLOW_CPU: Kind = Kind {
    word: "slow_cpu",
    about: "The processes run for a share of each period only, as under a quota of CPU time.",
    effect: "a call at the member took half a period, or had no answer",
    lasts: Lasts::Usually(Draw::between(2 * SECOND, 8 * SECOND)),
    read: |keys| {
        let share_permille = keys.count("share_permille", 1..=999, 100)?;
        let usual = Draw::between(200 * MILLISECOND, 2 * SECOND);
        let period_ns = keys.draw_above_zero("period", usual)?;
        Ok(ProcessFault::SlowCpu { share_permille, period_ns }.into())
    },
    ..Kind::USUAL
};

static PAUSE: Kind = Kind {
    word: "pause",
    about: "The processes are frozen, as under SIGSTOP.",
    effect: "a timer of another member or of a client ran out",
    meanwhile: Meanwhile::Frozen,
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 4 * SECOND)),
    read: |_| Ok(ProcessFault::Pause.into()),
    ..Kind::USUAL
};

static CRASH_AT: Kind = Kind {
    word: "crash_at",
    about: "The first member of the group that reaches a probe dies there, once.",
    effect: "the probe was reached",
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
    ..Kind::USUAL
};

impl<T: Value> ProcessFault<T> {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            ProcessFault::Kill => &KILL,
            ProcessFault::PowerLoss { .. } => &POWER_LOSS,
            ProcessFault::PowerLossMany { .. } => &POWER_LOSS_MANY,
            ProcessFault::CrashLoop { .. } => &CRASH_LOOP,
            ProcessFault::Stop => &STOP,
            ProcessFault::SlowCpu { .. } => &SLOW_CPU,
            ProcessFault::Pause => &PAUSE,
            ProcessFault::CrashAt { .. } => &CRASH_AT,
        }
    }

    pub(super) fn probe(&self) -> Option<&str> {
        match self {
            ProcessFault::CrashAt { probe, .. } => Some(probe),
            _ => None,
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
            ProcessFault::PowerLossMany { unsynced } => {
                ProcessFault::PowerLossMany { unsynced: unsynced.draw(random) }
            }
            ProcessFault::CrashLoop { up_ns, down_ns } => {
                ProcessFault::CrashLoop { up_ns: up_ns.draw(random), down_ns: down_ns.draw(random) }
            }
            ProcessFault::Stop => ProcessFault::Stop,
            ProcessFault::SlowCpu { share_permille, period_ns } => ProcessFault::SlowCpu {
                share_permille: *share_permille,
                period_ns: period_ns.draw(random),
            },
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
