//! The hosts of the simulated world: who they are, their addresses and their ports.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::member::Member;

/// Port of the client API.
pub const CLIENT_PORT: u16 = 2379;
/// Port between members.
pub const PEER_PORT: u16 = 2380;
/// Number of the first client.
pub const FIRST_CLIENT: u8 = 1;

/// A machine of the simulated world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Host {
    /// Member `i`: address `10.0.0.i`.
    Member(Member),
    /// Client `c` of the simulator, from 1: address `10.0.1.c`.
    Client(u8),
}

/// One incarnation of the process that runs on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Where it runs.
    pub host: Host,
    /// How many processes have run on that host up to this one.
    pub incarnation: u64,
}

impl Host {
    /// The host's address.
    pub const fn ip(self) -> IpAddr {
        match self {
            Host::Member(i) => IpAddr::V4(Ipv4Addr::new(10, 0, 0, i.number())),
            Host::Client(c) => IpAddr::V4(Ipv4Addr::new(10, 0, 1, c)),
        }
    }

    /// The host at an address, if there is one.
    pub const fn of(ip: IpAddr) -> Option<Host> {
        let IpAddr::V4(ip) = ip else { return None };
        match ip.octets() {
            [10, 0, 0, i] if i > 0 => Some(Host::Member(Member::new(i))),
            [10, 0, 1, c] => Some(Host::Client(c)),
            _ => None,
        }
    }

    /// The member; none for a client.
    pub const fn member(self) -> Option<Member> {
        match self {
            Host::Member(i) => Some(i),
            Host::Client(_) => None,
        }
    }

    /// A number unique among hosts, to name random streams with.
    pub const fn number(self) -> u64 {
        match self {
            Host::Member(i) => i.number() as u64,
            Host::Client(c) => 0x100 | c as u64,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Member(i) => write!(f, "{i}"),
            Host::Client(c) => write!(f, "c{c}"),
        }
    }
}
