//! Faults of the network: partitions, isolation, slow links, resets.

use serde::{Deserialize, Serialize};

use super::Fault;
use super::kind::{Family, Kind, Lasts, Targets};
use crate::settings::{Latency, Random, Value};
use crate::time::{Draw, MILLISECOND, SECOND};

/// A fault of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum NetworkFault<T = u64> {
    /// No bytes between the group and the rest (or both ends of a link), in both directions.
    Partition,
    /// No bytes from the group to the rest (or from `from` to `to`); the other direction flows.
    PartitionOneWay,
    /// Each member of the group is cut from all its peers, those in the group as well.
    Isolate,
    /// Latency between the group and the rest, both ways (or from `from` to `to` only), is replaced.
    SlowLink {
        /// The latency meanwhile.
        latency: Latency<T>,
    },
    /// All connections of the group, peers and clients (or those between both ends), are reset at
    /// once. No duration.
    Reset {
        /// Who learns of it.
        #[serde(default, skip_serializing_if = "Reset::is_usual")]
        how: Reset,
    },
}

/// Who learns of a reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Both ends, at once.
    #[default]
    Both,
    /// The end of the group; the other one when it sends the next time.
    HalfOpen,
    /// Nobody: every further byte vanishes, both ways.
    Silent,
}

impl Reset {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_usual(&self) -> bool {
        *self == Reset::Both
    }
}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "network",
    kinds: &[&PARTITION, &PARTITION_ONE_WAY, &ISOLATE, &SLOW_LINK, &RESET],
    parse: |json| serde_json::from_value(json).map(Fault::Network),
};

/// How long a network is usually disturbed.
const USUALLY: Lasts = Lasts::Usually(Draw::between(2 * SECOND, 10 * SECOND));

/// What a partition may be aimed at: links, or members against the rest.
const PARTITIONED: Targets =
    Targets { takes_links: true, needs_peers: true, against_rest: true, ..Targets::RUNNING };

static PARTITION: Kind = Kind {
    word: "partition",
    about: "No bytes pass between the group and the rest, or between both ends of a link.",
    effect: "bytes held back",
    targets: PARTITIONED,
    lasts: USUALLY,
    read: |_| Ok(NetworkFault::Partition.into()),
    ..Kind::USUAL
};

static PARTITION_ONE_WAY: Kind = Kind {
    word: "partition_one_way",
    about: "No bytes pass from the group to the rest, or along a link; the other way they do.",
    effect: "bytes held one way",
    targets: PARTITIONED,
    lasts: USUALLY,
    read: |_| Ok(NetworkFault::PartitionOneWay.into()),
    ..Kind::USUAL
};

static ISOLATE: Kind = Kind {
    word: "isolate",
    about: "Each member of the group is cut from all its peers; clients still reach it.",
    effect: "bytes held back",
    targets: Targets { needs_peers: true, ..Targets::RUNNING },
    lasts: USUALLY,
    read: |_| Ok(NetworkFault::Isolate.into()),
    ..Kind::USUAL
};

static SLOW_LINK: Kind = Kind {
    word: "slow_link",
    about: "The latency between the group and the rest, or along a link, is replaced.",
    effect: "round trip time rose",
    targets: PARTITIONED,
    lasts: USUALLY,
    read: |keys| {
        // A link through half the world.
        let usual = Latency {
            base_ns: Draw::between(50 * MILLISECOND, 400 * MILLISECOND),
            jitter_ns: Draw::between(10 * MILLISECOND, 200 * MILLISECOND),
            tail_permille: 20,
            tail_ns: Draw::between(500 * MILLISECOND, 2 * SECOND),
        };
        Ok(NetworkFault::SlowLink { latency: Latency::read(keys, usual)? }.into())
    },
    ..Kind::USUAL
};

static RESET: Kind = Kind {
    word: "reset",
    about: "All connections of the group, or those along a link, are reset.",
    effect: "a connection was reset",
    targets: Targets { takes_links: true, ..Targets::RUNNING },
    lasts: Lasts::Instant,
    read: |keys| {
        let words =
            [("both", Reset::Both), ("half_open", Reset::HalfOpen), ("silent", Reset::Silent)];
        Ok(NetworkFault::Reset { how: keys.word("how", &words, Reset::Both)? }.into())
    },
    ..Kind::USUAL
};

impl<T> NetworkFault<T> {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            NetworkFault::Partition => &PARTITION,
            NetworkFault::PartitionOneWay => &PARTITION_ONE_WAY,
            NetworkFault::Isolate => &ISOLATE,
            NetworkFault::SlowLink { .. } => &SLOW_LINK,
            NetworkFault::Reset { .. } => &RESET,
        }
    }
}

impl NetworkFault<Draw> {
    pub(super) fn draw(&self, random: &mut impl Random) -> NetworkFault {
        match self {
            NetworkFault::Partition => NetworkFault::Partition,
            NetworkFault::PartitionOneWay => NetworkFault::PartitionOneWay,
            NetworkFault::Isolate => NetworkFault::Isolate,
            NetworkFault::SlowLink { latency } => {
                NetworkFault::SlowLink { latency: latency.draw(random) }
            }
            NetworkFault::Reset { how } => NetworkFault::Reset { how: *how },
        }
    }
}

impl<T: Value> From<NetworkFault<T>> for Fault<T> {
    fn from(fault: NetworkFault<T>) -> Fault<T> {
        Fault::Network(fault)
    }
}
