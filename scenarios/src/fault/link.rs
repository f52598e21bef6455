//! Faults of single links: what happens to bytes, messages and new connections on their way.
//!
//! A group aimed at stands for all links of its members, both ways.

use serde::{Deserialize, Serialize};

use super::Fault;
use super::kind::{Family, Kind, Lasts, Targets};
use crate::error::LoadError;
use crate::reader::Keys;
use crate::settings::Value;
use crate::time::{Draw, SECOND};

/// A fault of links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LinkFault {
    /// Nothing gets through; then all that waited flows at once.
    Clog {
        /// Whose links.
        #[serde(default, skip_serializing_if = "Between::is_usual")]
        between: Between,
    },
    /// So many bytes a second at most.
    Bandwidth {
        /// The rate.
        bytes_per_s: u64,
        /// Whose links.
        #[serde(default, skip_serializing_if = "Between::is_usual")]
        between: Between,
    },
    /// Segments are lost, and sent again after the retransmission timeout.
    Loss {
        /// Of a thousand.
        permille: u32,
        /// Whose links.
        #[serde(default, skip_serializing_if = "Between::is_usual")]
        between: Between,
    },
    /// Bits of segments are flipped, and no checksum of the network sees it.
    CorruptBytes {
        /// Of a thousand segments.
        permille: u32,
        /// Whose links.
        #[serde(default, skip_serializing_if = "Between::is_usual")]
        between: Between,
    },
    /// Messages between members are delivered twice.
    Duplicate {
        /// Of a thousand.
        permille: u32,
    },
    /// Messages between members are overtaken by the next one.
    Reorder {
        /// Of a thousand.
        permille: u32,
    },
    /// New connections are refused.
    ConnectRefused {
        /// Whose links.
        #[serde(default, skip_serializing_if = "Between::is_usual")]
        between: Between,
    },
    /// New connections hang.
    ConnectHang {
        /// Whose links.
        #[serde(default, skip_serializing_if = "Between::is_usual")]
        between: Between,
    },
}

/// Whose links a fault acts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Those between members.
    #[default]
    Peers,
    /// Those between clients and members.
    Clients,
    /// Both.
    All,
}

impl Between {
    fn read(keys: &mut Keys<'_>) -> Result<Between, LoadError> {
        let words =
            [("peers", Between::Peers), ("clients", Between::Clients), ("all", Between::All)];
        keys.word("between", &words, Between::Peers)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_usual(&self) -> bool {
        *self == Between::Peers
    }
}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "network",
    kinds: &[
        &CLOG,
        &BANDWIDTH,
        &LOSS,
        &CORRUPT_BYTES,
        &DUPLICATE,
        &REORDER,
        &CONNECT_REFUSED,
        &CONNECT_HANG,
    ],
    parse: |json| serde_json::from_value(json).map(Fault::Link),
};

/// A link is disturbed for a while, also in a cluster of one if clients are on it.
const USUAL: Kind = Kind {
    targets: Targets { takes_links: true, ..Targets::RUNNING },
    lasts: Lasts::Usually(Draw::between(2 * SECOND, 10 * SECOND)),
    ..Kind::USUAL
};

static CLOG: Kind = Kind {
    word: "clog",
    about: "Bytes wait; then all that waited flows at once.",
    effect: "bytes held back",
    read: |keys| Ok(LinkFault::Clog { between: Between::read(keys)? }.into()),
    ..USUAL
};

static BANDWIDTH: Kind = Kind {
    word: "bandwidth",
    about: "So many bytes a second pass at most.",
    effect: "bytes queued",
    read: |keys| {
        let bytes_per_s = keys.number("bytes_per_s", 1..=1 << 40, 32 << 10)?;
        Ok(LinkFault::Bandwidth { bytes_per_s, between: Between::read(keys)? }.into())
    },
    ..USUAL
};

static LOSS: Kind = Kind {
    word: "loss",
    about: "A share of the segments is lost, and sent again after the retransmission timeout.",
    effect: "a segment was lost",
    read: |keys| {
        let permille = keys.permille("permille", 100)?;
        Ok(LinkFault::Loss { permille, between: Between::read(keys)? }.into())
    },
    ..USUAL
};

static CORRUPT_BYTES: Kind = Kind {
    word: "corrupt_bytes",
    about: "A bit of some segments is flipped past the checksum.",
    effect: "a bit was flipped",
    read: |keys| {
        let permille = keys.permille("permille", 10)?;
        Ok(LinkFault::CorruptBytes { permille, between: Between::read(keys)? }.into())
    },
    ..USUAL
};

static DUPLICATE: Kind = Kind {
    word: "duplicate",
    about: "A share of the messages between members is delivered twice.",
    effect: "a message was delivered twice",
    targets: Targets { takes_links: true, needs_peers: true, ..Targets::RUNNING },
    read: |keys| Ok(LinkFault::Duplicate { permille: keys.permille("permille", 100)? }.into()),
    ..USUAL
};

static REORDER: Kind = Kind {
    word: "reorder",
    about: "A share of the messages between members is overtaken by the next one.",
    effect: "a message was overtaken",
    targets: Targets { takes_links: true, needs_peers: true, ..Targets::RUNNING },
    read: |keys| Ok(LinkFault::Reorder { permille: keys.permille("permille", 100)? }.into()),
    ..USUAL
};

static CONNECT_REFUSED: Kind = Kind {
    word: "connect_refused",
    about: "New connections are refused.",
    effect: "a dial was refused",
    read: |keys| Ok(LinkFault::ConnectRefused { between: Between::read(keys)? }.into()),
    ..USUAL
};

static CONNECT_HANG: Kind = Kind {
    word: "connect_hang",
    about: "New connections hang.",
    effect: "a dial hung",
    read: |keys| Ok(LinkFault::ConnectHang { between: Between::read(keys)? }.into()),
    ..USUAL
};

impl LinkFault {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            LinkFault::Clog { .. } => &CLOG,
            LinkFault::Bandwidth { .. } => &BANDWIDTH,
            LinkFault::Loss { .. } => &LOSS,
            LinkFault::CorruptBytes { .. } => &CORRUPT_BYTES,
            LinkFault::Duplicate { .. } => &DUPLICATE,
            LinkFault::Reorder { .. } => &REORDER,
            LinkFault::ConnectRefused { .. } => &CONNECT_REFUSED,
            LinkFault::ConnectHang { .. } => &CONNECT_HANG,
        }
    }

    /// Whose links it acts on.
    pub fn between(&self) -> Between {
        match self {
            LinkFault::Clog { between }
            | LinkFault::Bandwidth { between, .. }
            | LinkFault::Loss { between, .. }
            | LinkFault::CorruptBytes { between, .. }
            | LinkFault::ConnectRefused { between }
            | LinkFault::ConnectHang { between } => *between,
            LinkFault::Duplicate { .. } | LinkFault::Reorder { .. } => Between::Peers,
        }
    }
}

impl<T: Value> From<LinkFault> for Fault<T> {
    fn from(fault: LinkFault) -> Fault<T> {
        Fault::Link(fault)
    }
}
