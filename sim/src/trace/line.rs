//! One event of the trace, as people read it and as `trace.ndjson` holds it.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::member::Member;

/// What kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Connections and bytes.
    Net,
    /// Operations of a file system.
    Disk,
    /// A timer fired, or a clock was changed.
    Timer,
    /// Random bits were drawn by a member or client.
    Entropy,
    /// A client's operation began or ended.
    Client,
    /// A fault was injected or healed.
    Fault,
    /// A process started or ended.
    Process,
    /// Anything else worth a line.
    Note,
}

impl Kind {
    /// The word for it in `trace.ndjson`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Net => "net",
            Kind::Disk => "disk",
            Kind::Timer => "timer",
            Kind::Entropy => "entropy",
            Kind::Client => "client",
            Kind::Fault => "fault",
            Kind::Process => "process",
            Kind::Note => "note",
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// In words.
    Words(Box<str>),
    /// A frequent event: see [`Trace::record_bytes`](super::Trace::record_bytes).
    Numbers {
        /// What was done.
        event: Event,
        /// Digest of the bytes it moved, 0 without any.
        digest: u128,
    },
}

/// A frequent event: nothing of it is formatted until a line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What was done.
    pub verb: &'static str,
    /// To what, as the verb says.
    pub numbers: [u64; 3],
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { verb, numbers: [a, b, c] } = self;
        write!(f, "{verb} {a} {b} {c}")
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detail::Words(words) => f.write_str(words),
            Detail::Numbers { event, digest: 0 } => write!(f, "{event}"),
            Detail::Numbers { event, digest } => write!(f, "{event} #{:016x}", *digest as u64),
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// True simulated time, in nanoseconds.
    pub at_ns: u64,
    /// The member it happened to, if one.
    pub member: Option<Member>,
    /// What kind.
    pub kind: Kind,
    /// What happened.
    pub detail: Detail,
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("Line", 4)?;
        line.serialize_field("at_ns", &self.at_ns)?;
        line.serialize_field("member", &self.member)?;
        line.serialize_field("kind", self.kind.name())?;
        line.serialize_field("detail", &self.detail.to_string())?;
        line.end()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.at_ns / 1_000_000_000, self.at_ns % 1_000_000_000);
        write!(f, "{seconds:4}.{nanos:09} ")?;
        match self.member {
            Some(member) => write!(f, "m{:<2}", member.number())?,
            None => f.write_str("-  ")?,
        }
        write!(f, " {:7} {}", self.kind.name(), self.detail)
    }
}
