//! The network as the rest of the simulator sees it: a handle that knows the time.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::{LinkFault, NetConfig, NetEffect, Network, Reset};
use crate::clock::Now;
use crate::host::{Host, Process};
use crate::stream::{FaultId, Latency, Streams};
use crate::trace::Trace;

/// A handle to the network; clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct NetHandle {
    network: Arc<Mutex<Network>>,
    now: Now,
}

impl NetHandle {
    /// A network without hosts.
    pub fn new(streams: Streams, config: NetConfig, now: Now, trace: Trace) -> NetHandle {
        NetHandle { network: Arc::new(Mutex::new(Network::new(streams, config, trace))), now }
    }

    /// Works on the network, at this moment, and wakes whoever is concerned.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Network, u64) -> T) -> T {
        let now_ns = self.now.ns();
        let mut network = self.network.lock().expect("no one panics while holding the network");
        let answer = work(&mut network, now_ns);
        network.end_step();
        let wakes = network.take_wakes();
        drop(network);
        wakes.into_iter().for_each(std::task::Waker::wake);
        answer
    }

    /// The settings.
    pub fn config(&self) -> NetConfig {
        self.with(|network, _| network.config())
    }

    /// A process on this host may use the network.
    pub fn boot(&self, host: Host) -> Process {
        let incarnation = self.with(|network, now_ns| network.boot(now_ns, host));
        Process { host, incarnation }
    }

    /// The process dies: its connections are reset.
    pub fn kill(&self, host: Host) {
        self.with(|network, now_ns| network.kill(now_ns, host));
    }

    /// The machine loses power: silence.
    pub fn power_off(&self, host: Host) {
        self.with(|network, now_ns| network.power_off(now_ns, host));
    }

    /// Puts a fault on the direction `from` → `to`.
    pub fn inject(&self, id: FaultId, from: Host, to: Host, fault: LinkFault) {
        self.with(|network, now_ns| network.inject(now_ns, id, from, to, fault));
    }

    /// Takes every fault of this id off every link.
    pub fn heal(&self, id: FaultId) {
        self.with(|network, now_ns| network.heal(now_ns, id));
    }

    /// Resets the live connections between two hosts; answers how many.
    pub fn reset(&self, id: FaultId, a: Host, b: Host, how: Reset) -> u64 {
        self.with(|network, now_ns| network.reset(now_ns, id, a, b, how))
    }

    /// What came of a fault so far.
    pub fn effect(&self, id: FaultId) -> NetEffect {
        self.with(|network, _| network.effect(id))
    }

    /// Replaces the ordinary latency of one direction of a link.
    pub fn set_latency(&self, from: Host, to: Host, latency: Latency) {
        self.with(|network, _| network.set_latency(from, to, latency));
    }

    /// Passes a peer message: the messages to write now, in order.
    pub fn peer_message(&self, from: Host, to: Host, message: Bytes) -> Vec<Bytes> {
        self.with(|network, _| network.peer_message(from, to, message))
    }

    /// The hosts of clients so far, ascending.
    pub fn clients(&self) -> Vec<Host> {
        self.with(|network, _| network.clients())
    }

    /// How many connections are not yet forgotten.
    pub fn connections(&self) -> usize {
        self.with(|network, _| network.connections())
    }
}
