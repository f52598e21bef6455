//! Faults of the network: partitions, isolation, slow links, resets.

use serde::{Deserialize, Serialize};

use super::Fault;
use super::kind::{Family, Kind, Lasts, Meanwhile, Targets};
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
    Reset,
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
    targets: PARTITIONED,
    meanwhile: Meanwhile::Running,
    lasts: USUALLY,
    read: |_| Ok(NetworkFault::Partition.into()),
};

static PARTITION_ONE_WAY: Kind = Kind {
    word: "partition_one_way",
    targets: PARTITIONED,
    meanwhile: Meanwhile::Running,
    lasts: USUALLY,
    read: |_| Ok(NetworkFault::PartitionOneWay.into()),
};

static ISOLATE: Kind = Kind {
    word: "isolate",
    targets: Targets { needs_peers: true, ..Targets::RUNNING },
    meanwhile: Meanwhile::Running,
    lasts: USUALLY,
    read: |_| Ok(NetworkFault::Isolate.into()),
};

static SLOW_LINK: Kind = Kind {
    word: "slow_link",
    targets: Targets { takes_links: true, needs_peers: true, ..Targets::RUNNING },
    meanwhile: Meanwhile::Running,
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
};

static RESET: Kind = Kind {
    word: "reset",
    targets: Targets { takes_links: true, ..Targets::RUNNING },
    meanwhile: Meanwhile::Running,
    lasts: Lasts::Instant,
    read: |_| Ok(NetworkFault::Reset.into()),
};

impl<T> NetworkFault<T> {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            NetworkFault::Partition => &PARTITION,
            NetworkFault::PartitionOneWay => &PARTITION_ONE_WAY,
            NetworkFault::Isolate => &ISOLATE,
            NetworkFault::SlowLink { .. } => &SLOW_LINK,
            NetworkFault::Reset => &RESET,
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
            NetworkFault::Reset => NetworkFault::Reset,
        }
    }
}

impl<T: Value> From<NetworkFault<T>> for Fault<T> {
    fn from(fault: NetworkFault<T>) -> Fault<T> {
        Fault::Network(fault)
    }
}
