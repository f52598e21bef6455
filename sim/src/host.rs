//! The hosts of the simulated world: who they are, their addresses and their ports.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::member::Member;

/// Port of the client API.
pub const CLIENT_PORT: u16 = 2379;
/// Port between members.
pub const PEER_PORT: u16 = 2380;

/// A client of the simulator: its number, which no other client has.
///
/// Each kind has a range of its own; the kinds' numbers up to 255 are as they were when a number
/// was a byte, since random streams are named by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientNumber(u16);

impl ClientNumber {
    /// Compacts from time to time.
    pub const COMPACTOR: ClientNumber = ClientNumber(250);
    /// Asks whether the cluster is whole at the end.
    pub const CONVERGER: ClientNumber = ClientNumber(251);

    /// Asks members how they stand.
    pub const ASKER: ClientNumber = ClientNumber(252);

    const FIRST_WATCHER: u16 = 100;
    const WATCHERS: u16 = 100;
    const FIRST_EVIDENCE: u16 = 200;
    const MEMBERS: u16 = 49;
    /// Traffic clients of a large crowd come after all others.
    const FIRST_OF_CROWD: u16 = 0x100;

    /// Client `number` (from 1) of the traffic.
    pub const fn traffic(number: u16) -> ClientNumber {
        assert!(number > 0, "clients are counted from 1");
        if number < ClientNumber::FIRST_WATCHER {
            ClientNumber(number)
        } else {
            ClientNumber(ClientNumber::FIRST_OF_CROWD + number)
        }
    }

    /// Watcher `number` (from 0) that comes and goes.
    pub const fn watcher(number: u16) -> ClientNumber {
        assert!(number < ClientNumber::WATCHERS, "there are at most 100 watchers");
        ClientNumber(ClientNumber::FIRST_WATCHER + number)
    }

    /// The evidence watcher at a member.
    pub const fn evidence(member: Member) -> ClientNumber {
        let number = member.number() as u16;
        assert!(number <= ClientNumber::MEMBERS, "a cluster has at most 49 members");
        ClientNumber(ClientNumber::FIRST_EVIDENCE + number)
    }

    /// Every number that a run with so many traffic clients may use, ascending.
    pub fn of_run(clients: u64) -> impl Iterator<Item = ClientNumber> {
        let crowd = u64::from(ClientNumber::FIRST_WATCHER)..=clients;
        let crowd = crowd.map(|number| ClientNumber::traffic(number as u16));
        (1..ClientNumber::FIRST_OF_CROWD).map(ClientNumber).chain(crowd)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ClientNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// A machine of the simulated world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Host {
    /// Member `i`: address `10.0.0.i`.
    Member(Member),
    /// A client of the simulator: its number stands in the address, from `10.0.1.1` on.
    Client(ClientNumber),
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
            Host::Client(ClientNumber(c)) => {
                let [high, low] = c.to_be_bytes();
                assert!(high < u8::MAX, "no address is left for this client");
                IpAddr::V4(Ipv4Addr::new(10, 0, 1 + high, low))
            }
        }
    }

    /// The host at an address, if there is one.
    pub const fn of(ip: IpAddr) -> Option<Host> {
        let IpAddr::V4(ip) = ip else { return None };
        match ip.octets() {
            [10, 0, 0, i] if i > 0 => Some(Host::Member(Member::new(i))),
            [10, 0, high, low] if high > 0 => {
                Some(Host::Client(ClientNumber(u16::from_be_bytes([high - 1, low]))))
            }
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

    /// Whether it is a client that watches: one that comes and goes, or one for evidence.
    pub const fn is_watcher(self) -> bool {
        self.member().is_none() && matches!(self.number() - 0x100, 100..250)
    }

    /// A number unique among hosts, to name random streams with.
    pub const fn number(self) -> u64 {
        match self {
            Host::Member(i) => i.number() as u64,
            Host::Client(ClientNumber(c)) => 0x100 + c as u64,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Member(i) => write!(f, "{i}"),
            Host::Client(c) => write!(f, "{c}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every host that a run may have.
    fn hosts() -> Vec<Host> {
        let clients = (1..=1000).map(ClientNumber::traffic);
        let watchers = (0..ClientNumber::WATCHERS).map(ClientNumber::watcher);
        let evidence = (1..=9).map(|number| ClientNumber::evidence(Member::new(number)));
        let others = [ClientNumber::COMPACTOR, ClientNumber::CONVERGER, ClientNumber::ASKER];
        let all = clients.chain(watchers).chain(evidence).chain(others).map(Host::Client);
        (1..=9).map(|number| Host::Member(Member::new(number))).chain(all).collect()
    }

    #[test]
    fn no_two_hosts_share_a_number_or_an_address() {
        let hosts = hosts();
        let numbers: BTreeSet<u64> = hosts.iter().map(|host| host.number()).collect();
        let addresses: BTreeSet<IpAddr> = hosts.iter().map(|host| host.ip()).collect();
        assert_eq!((numbers.len(), addresses.len()), (hosts.len(), hosts.len()));
    }

    #[test]
    fn every_client_is_among_those_of_its_run() {
        let of_run: BTreeSet<Host> = ClientNumber::of_run(1000).map(Host::Client).collect();
        let clients = hosts().into_iter().filter(|host| host.member().is_none());
        assert!(clients.into_iter().all(|host| of_run.contains(&host)));
        assert_eq!(ClientNumber::of_run(99).count(), 255, "a small crowd needs no more");
    }

    #[test]
    fn an_address_names_its_host() {
        for host in hosts() {
            assert_eq!(Host::of(host.ip()), Some(host));
        }
        assert_eq!(Host::of(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0))), None);
        assert_eq!(Host::of(IpAddr::V4(Ipv4Addr::LOCALHOST)), None);
    }

    #[test]
    fn numbers_that_streams_are_named_by_stay() {
        let number = |client| Host::Client(client).number();
        assert_eq!(number(ClientNumber::traffic(7)), 0x107);
        assert_eq!(number(ClientNumber::watcher(3)), 0x100 + 103);
        assert_eq!(number(ClientNumber::evidence(Member::new(2))), 0x100 + 202);
        assert_eq!(ClientNumber::COMPACTOR.to_string(), "c250");
    }
}
