//! Faults that cut the network in a shape: bridge, ring, flap, swizzle, and members without clients.

use serde::{Deserialize, Serialize};

use super::kind::{Family, Kind, Lasts, Targets};
use super::{Fault, Group};
use crate::settings::{Random, Value};
use crate::time::{Draw, MILLISECOND, SECOND};

/// A cut of the network in a shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CutFault<T = u64> {
    /// No bytes between clients and the group.
    IsolateClient,
    /// The members outside the group fall into two halves; the group alone sees both.
    PartitionBridge,
    /// Every member sees a majority, and no two see the same.
    PartitionRing,
    /// A partition that comes and goes.
    Flap {
        /// How long it holds each time.
        cut_ns: T,
        /// How long it is healed between.
        open_ns: T,
    },
    /// The members of the group are clogged one by one, and released one by one in another order.
    Swizzle,
}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "network",
    kinds: &[&ISOLATE_CLIENT, &PARTITION_BRIDGE, &PARTITION_RING, &FLAP, &SWIZZLE],
    parse: |json| serde_json::from_value(json).map(Fault::Cut),
};

const USUAL: Kind = Kind {
    effect: "bytes held back",
    targets: Targets { needs_members: 3, ..Targets::RUNNING },
    lasts: Lasts::Usually(Draw::between(2 * SECOND, 10 * SECOND)),
    ..Kind::USUAL
};

static ISOLATE_CLIENT: Kind = Kind {
    word: "isolate_client",
    about: "No bytes pass between clients and the group; its peers still reach it.",
    effect: "bytes of clients held back",
    targets: Targets::RUNNING,
    read: |_| Ok(CutFault::IsolateClient.into()),
    ..USUAL
};

static PARTITION_BRIDGE: Kind = Kind {
    word: "partition_bridge",
    about: "All but the group fall into two halves; the group alone sees both.",
    targets: Targets { needs_members: 3, against_rest: true, ..Targets::RUNNING },
    read: |_| Ok(CutFault::PartitionBridge.into()),
    ..USUAL
};

static PARTITION_RING: Kind = Kind {
    word: "partition_ring",
    about: "Every member sees a majority, and no two see the same.",
    usual_target: Group::All,
    read: |_| Ok(CutFault::PartitionRing.into()),
    ..USUAL
};

static FLAP: Kind = Kind {
    word: "flap",
    about: "A partition between the group and the rest comes and goes.",
    effect: "bytes held back in two cycles at least",
    targets: Targets { needs_peers: true, against_rest: true, ..Targets::RUNNING },
    read: |keys| {
        let cut_ns = keys.draw_above_zero("cut", Draw::between(SECOND / 5, 2 * SECOND))?;
        let usual = Draw::between(100 * MILLISECOND, SECOND);
        Ok(CutFault::Flap { cut_ns, open_ns: keys.draw_above_zero("open", usual)? }.into())
    },
    ..USUAL
};

static SWIZZLE: Kind = Kind {
    word: "swizzle",
    about: "The members of the group are clogged one by one, and released in another order.",
    usual_target: Group::Majority,
    read: |_| Ok(CutFault::Swizzle.into()),
    ..USUAL
};

impl<T> CutFault<T> {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            CutFault::IsolateClient => &ISOLATE_CLIENT,
            CutFault::PartitionBridge => &PARTITION_BRIDGE,
            CutFault::PartitionRing => &PARTITION_RING,
            CutFault::Flap { .. } => &FLAP,
            CutFault::Swizzle => &SWIZZLE,
        }
    }
}

impl CutFault<Draw> {
    pub(super) fn draw(&self, random: &mut impl Random) -> CutFault {
        match self {
            CutFault::IsolateClient => CutFault::IsolateClient,
            CutFault::PartitionBridge => CutFault::PartitionBridge,
            CutFault::PartitionRing => CutFault::PartitionRing,
            CutFault::Flap { cut_ns, open_ns } => {
                CutFault::Flap { cut_ns: cut_ns.draw(random), open_ns: open_ns.draw(random) }
            }
            CutFault::Swizzle => CutFault::Swizzle,
        }
    }
}

impl<T: Value> From<CutFault<T>> for Fault<T> {
    fn from(fault: CutFault<T>) -> Fault<T> {
        Fault::Cut(fault)
    }
}
