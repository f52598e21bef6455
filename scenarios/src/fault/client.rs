//! Faults of clients: those that do not read, hang up in the middle of a call, or move on.
//!
//! They strike the clients that speak with the members of the group.

use serde::{Deserialize, Serialize};

use super::kind::{Family, Kind, Lasts};
use super::{Fault, Group};
use crate::settings::{Random, Value};
use crate::time::{Draw, SECOND};

/// A fault of clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFault<T = u64> {
    /// Watching clients read nothing of what the group sends; their sockets fill.
    SlowWatcher,
    /// Calling clients hang up, whatever they wait for, and again in every period.
    Abandon {
        /// From one time to the next.
        period_ns: T,
    },
    /// Watching clients leave the group in the middle of a watch, and go on at another member.
    ReconnectElsewhere,
}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "client",
    kinds: &[&SLOW_WATCHER, &ABANDON, &RECONNECT_ELSEWHERE],
    parse: |json| serde_json::from_value(json).map(Fault::Client),
};

static SLOW_WATCHER: Kind = Kind {
    word: "slow_watcher",
    about: "Watching clients read nothing of what the members send; their sockets fill.",
    effect: "bytes stayed unread",
    lasts: Lasts::Usually(Draw::between(2 * SECOND, 10 * SECOND)),
    read: |_| Ok(ClientFault::SlowWatcher.into()),
    ..Kind::USUAL
};

static ABANDON: Kind = Kind {
    word: "abandon",
    about: "Calling clients hang up in the middle of a call, again and again.",
    effect: "a call had no answer",
    usual_target: Group::All,
    lasts: Lasts::Usually(Draw::between(2 * SECOND, 8 * SECOND)),
    read: |keys| {
        let period_ns = keys.draw_above_zero("period", Draw::between(SECOND / 20, SECOND / 2))?;
        Ok(ClientFault::Abandon { period_ns }.into())
    },
    ..Kind::USUAL
};

static RECONNECT_ELSEWHERE: Kind = Kind {
    word: "reconnect_elsewhere",
    about: "Watching clients leave in the middle of a watch, and go on at another member.",
    effect: "a watching client left",
    lasts: Lasts::Instant,
    read: |_| Ok(ClientFault::ReconnectElsewhere.into()),
    ..Kind::USUAL
};

impl<T> ClientFault<T> {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            ClientFault::SlowWatcher => &SLOW_WATCHER,
            ClientFault::Abandon { .. } => &ABANDON,
            ClientFault::ReconnectElsewhere => &RECONNECT_ELSEWHERE,
        }
    }
}

impl ClientFault<Draw> {
    pub(super) fn draw(&self, random: &mut impl Random) -> ClientFault {
        match self {
            ClientFault::SlowWatcher => ClientFault::SlowWatcher,
            ClientFault::Abandon { period_ns } => {
                ClientFault::Abandon { period_ns: period_ns.draw(random) }
            }
            ClientFault::ReconnectElsewhere => ClientFault::ReconnectElsewhere,
        }
    }
}

impl<T: Value> From<ClientFault<T>> for Fault<T> {
    fn from(fault: ClientFault<T>) -> Fault<T> {
        Fault::Client(fault)
    }
}
