//! The simulated network: byte streams between hosts, as TCP would carry them.
//!
//! [`Network`] is a plain state machine: every method takes the simulated time, and nothing awaits.
//! Wakers are collected and woken when the lock is released. `adapter` implements
//! [`mettle_server::platform::Net`] on top.
//!
//! **Bytes.** A segment's arrival is decided when it is sent: now, plus a latency drawn from the
//! stream of that direction of the link, and never before the segment sent ahead of it. A reader
//! that is too early is told when to come back. At most a window's worth of bytes is under way or
//! unread in one direction; then the writer waits.
//!
//! **Cuts.** Bytes sent into a cut, and bytes under way when the cut comes, wait at the sender. After
//! the healing they are sent again at the next retransmission timeout (200 ms, doubling from the
//! first loss). An end whose bytes stay unacknowledged for the user timeout gives up. A FIN waits as
//! bytes do; a RST is lost for good.
//!
//! **Ends of processes and machines.** A killed process resets its connections. A machine without
//! power is silent. When the power is back, the machine answers a segment of an old connection with
//! a RST; so does an end that its process has closed.
//!
//! **Dials.** A SYN into a cut or to a machine without power vanishes and is repeated after 1, 2, 4 …
//! seconds. A host without a listener answers with a RST.
//!
//! **Incarnations.** A host has a number that grows at each [`Network::boot`]. A handle of an
//! earlier incarnation can neither listen, accept nor dial.

#[cfg(madsim)]
mod adapter;
mod connection;
mod delivery;
mod dial;
mod fault;
mod handle;
mod invariants;
mod link;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::task::Waker;

use crate::host::{Host, Process};
use crate::stream::{FaultId, Streams};
use crate::trace::{Kind, Trace};

use connection::Connection;
use link::Link;

#[cfg(madsim)]
pub use adapter::SimNet;
pub use connection::{EndId, Read, Write};
pub use dial::{Answer, Syn};
pub use fault::{LinkFault, NetEffect, Reset};
pub use handle::NetHandle;
pub use link::NetConfig;

/// The state of the whole network.
#[derive(Debug)]
pub struct Network {
    streams: Streams,
    config: NetConfig,
    trace: Trace,
    machines: BTreeMap<Host, Machine>,
    links: BTreeMap<(Host, Host), Link>,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    effects: BTreeMap<FaultId, NetEffect>,
    /// Whoever must be polled again once the network is no longer borrowed.
    wakes: Vec<Waker>,
    /// Counts steps, to look at everything from time to time.
    steps: u64,
}

/// One host's sockets.
#[derive(Debug)]
struct Machine {
    incarnation: u64,
    /// Without power, nothing answers.
    powered: bool,
    /// A process runs that may open sockets.
    running: bool,
    listeners: BTreeMap<u16, Backlog>,
    next_port: u16,
}

/// Connections that wait to be accepted.
#[derive(Debug, Default)]
struct Backlog {
    waiting: VecDeque<(EndId, std::net::SocketAddr)>,
    acceptor: Option<Waker>,
}

/// The first of the ports given to those who ask for any.
const FIRST_PORT: u16 = 40_000;

impl Network {
    /// A network without hosts.
    pub fn new(streams: Streams, config: NetConfig, trace: Trace) -> Network {
        Network {
            streams,
            config,
            trace,
            machines: BTreeMap::new(),
            links: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_connection: 1,
            effects: BTreeMap::new(),
            wakes: Vec::new(),
            steps: 0,
        }
    }

    /// A machine has power and a process on it may use the network; answers its incarnation.
    pub fn boot(&mut self, now_ns: u64, host: Host) -> u64 {
        let machine = self.machines.entry(host).or_insert_with(|| Machine {
            incarnation: 0,
            powered: false,
            running: false,
            listeners: BTreeMap::new(),
            next_port: FIRST_PORT,
        });
        machine.incarnation += 1;
        machine.running = true;
        let incarnation = machine.incarnation;
        if !std::mem::replace(&mut machine.powered, true) {
            for end in self.ends_of(host) {
                self.resume(now_ns, end.peer(), link::Hold::UntilRetransmitted);
            }
        }
        self.trace.record(
            now_ns,
            host.member(),
            Kind::Process,
            format_args!("boot {host} incarnation {incarnation}"),
        );
        incarnation
    }

    /// The process dies: the kernel resets its connections and refuses new ones.
    pub fn kill(&mut self, now_ns: u64, host: Host) {
        self.trace.record(now_ns, host.member(), Kind::Process, format_args!("kill {host}"));
        for end in self.stop(host) {
            self.refuse(now_ns, end);
        }
        let incarnation = self.machines.get(&host).map_or(0, |machine| machine.incarnation);
        let mut tails = self.streams.open("tail lost", host.number(), incarnation);
        for end in self.ends_of(host) {
            if self.is_live(end) {
                self.lose_tail(now_ns, end, &mut tails);
                self.send_reset(now_ns, end);
                self.abort(end, ErrorKind::ConnectionAborted);
            }
        }
    }

    /// The machine loses power: silence.
    pub fn power_off(&mut self, now_ns: u64, host: Host) {
        self.trace.record(now_ns, host.member(), Kind::Process, format_args!("power off {host}"));
        let unaccepted = self.stop(host);
        if let Some(machine) = self.machines.get_mut(&host) {
            machine.powered = false;
        }
        for end in self.ends_of(host) {
            self.pull_back(now_ns, end.peer());
            self.abort(end, ErrorKind::ConnectionAborted);
        }
        for end in unaccepted {
            self.close(now_ns, end);
        }
    }

    /// The process may use the network no more; answers the connections it has not accepted.
    fn stop(&mut self, host: Host) -> Vec<EndId> {
        let Some(machine) = self.machines.get_mut(&host) else { return Vec::new() };
        machine.running = false;
        let mut unaccepted = Vec::new();
        for backlog in std::mem::take(&mut machine.listeners).into_values() {
            self.wakes.extend(backlog.acceptor);
            unaccepted.extend(backlog.waiting.into_iter().map(|(end, _)| end));
        }
        unaccepted
    }

    /// Replaces the ordinary latency of one direction of a link.
    pub fn set_latency(&mut self, from: Host, to: Host, latency: crate::stream::Latency) {
        self.link(from, to).latency = latency;
    }

    /// The settings.
    pub fn config(&self) -> NetConfig {
        self.config
    }

    /// The hosts of clients so far, ascending.
    pub fn clients(&self) -> Vec<Host> {
        self.machines.keys().copied().filter(|host| host.member().is_none()).collect()
    }

    /// How many connections are not yet forgotten.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Takes the wakers that are due; the caller wakes them without holding the network.
    pub fn take_wakes(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakes)
    }

    fn link(&mut self, from: Host, to: Host) -> &mut Link {
        let Network { links, streams, config, .. } = self;
        links.entry((from, to)).or_insert_with(|| {
            let latency = if from == to { config.loopback } else { config.latency };
            Link::new(latency, streams.open("latency", from.number(), to.number()))
        })
    }

    fn is_powered(&self, host: Host) -> bool {
        self.machines.get(&host).is_some_and(|machine| machine.powered)
    }

    /// The machine, if this incarnation of its process still runs.
    fn running(&mut self, process: Process) -> Option<&mut Machine> {
        let Process { host, incarnation } = process;
        self.machines
            .get_mut(&host)
            .filter(|machine| machine.running && machine.incarnation == incarnation)
    }
}
