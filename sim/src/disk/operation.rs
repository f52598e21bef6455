//! Operations: the caller, how long the device takes, and when the caller may know the result.

use std::io::Result;

use serde::{Deserialize, Serialize};

use crate::stream::Latency;

/// How long the operations of a healthy disk take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskConfig {
    /// A read that may go to the medium.
    pub read: Latency,
    /// A write, or a change of a directory, that goes to the page cache.
    pub write: Latency,
    /// A sync.
    pub sync: Latency,
    /// A read or write of the page cache by the synchronous mode.
    pub cached: Latency,
    /// What a MiB that is read or written adds, in nanoseconds.
    pub mib_ns: u64,
    /// What a record that a storage job reads adds to the job, in nanoseconds of the processor.
    pub record_ns: u64,
}

impl Default for DiskConfig {
    fn default() -> DiskConfig {
        let (us, ms) = (1_000, 1_000_000);
        DiskConfig {
            read: Latency::uniform(80 * us, 80 * us),
            write: Latency::uniform(5 * us, 15 * us),
            sync: Latency {
                base_ns: 500 * us,
                jitter_ns: 1_000 * us,
                tail_ppm: 10_000,
                tail_ns: 30 * ms,
            },
            cached: Latency::uniform(us, 2 * us),
            mib_ns: 0,
            record_ns: 0,
        }
    }
}

/// Who asks for an operation, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The world's time, in nanoseconds.
    pub now_ns: u64,
    /// The incarnation of the process that asks.
    pub incarnation: u64,
    /// How the process waits.
    pub mode: IoMode,
}

/// How a process waits for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoMode {
    /// A future that waits for its time.
    Waiting,
    /// Never waits; its time adds up for the storage job it is part of.
    Metered,
}

/// An operation, and when it is done.
#[derive(Debug)]
pub struct Completion<T> {
    /// Its outcome, decided now.
    pub result: Result<T>,
    /// When whoever asked may know, in nanoseconds.
    pub due_ns: u64,
}

/// The answer to whoever waits for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It is done.
    Over,
    /// Come back then.
    Until(u64),
    /// The disk is stalled; the waker is kept.
    Stalled,
}

/// What an operation does, as far as faults are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    /// Opening a file that is there, or listing a directory.
    Open,
    /// Creating, renaming or removing.
    ChangeName,
    /// A write after which all files together hold so many more bytes.
    Write {
        growth: u64,
    },
    Sync,
}
