//! The environment of a run: network, disks and clocks, and the platform that each process gets.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

use madsim::time::TimeHandle;
use mettle_server::platform::{Clock, Entropy, Net, Platform};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::clock::{Clocks, Now, SimClock};
use crate::disk::{DiskConfig, DiskHandle, PowerLoss, PowerLossEffect, SimDisk};
use crate::host::{ClientNumber, Host};
use crate::member::Member;
use crate::net::{NetConfig, NetHandle, SimNet};
use crate::stream::{FaultId, Stream, Streams};
use crate::trace::{Event, Kind, Trace};

/// The settings of an environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentConfig {
    /// The network.
    pub net: NetConfig,
    /// The disks.
    pub disk: DiskConfig,
}

/// Network, disks, clocks and trace of one run; clones are handles to the same ones.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The random streams of the run's seed.
    pub streams: Streams,
    /// The network.
    pub net: NetHandle,
    /// The members' disks.
    pub disk: DiskHandle,
    /// Every host's clocks.
    pub clock: Clocks,
    /// What happened.
    pub trace: Trace,
    now: Now,
}

/// What a client of the simulator gets of the world: all but a disk.
#[derive(Clone)]
pub struct ClientPlatform {
    /// Its sockets.
    pub net: Arc<dyn Net>,
    /// Its clocks and timers.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Environment {
    /// The environment of a run; called inside the simulated runtime.
    pub fn new(seed: u64, config: EnvironmentConfig, trace: Trace) -> Environment {
        let streams = Streams::new(seed);
        let time = TimeHandle::current();
        let now = Now::new(move || time.elapsed().as_nanos() as u64);
        Environment {
            streams,
            net: NetHandle::new(streams, config.net, now.clone(), trace.clone()),
            disk: DiskHandle::new(streams, config.disk, now.clone(), trace.clone()),
            clock: Clocks::new(now.clone(), trace.clone()),
            trace,
            now,
        }
    }

    /// Simulated time, in nanoseconds since the start of the world.
    pub fn now_ns(&self) -> u64 {
        self.now.ns()
    }

    /// A member's process starts: a new incarnation, and its platform. The machine has power.
    pub fn boot(&self, member: Member) -> Platform {
        let host = Host::Member(member);
        let disk = self.disk.boot(member);
        Platform {
            disk: Arc::new(SimDisk::new(&self.disk, member, disk)),
            net: Arc::new(SimNet::new(self.net.clone(), self.net.boot(host))),
            clock: Arc::new(SimClock::new(self.clock.clone(), host)),
            entropy: Arc::new(self.entropy(host, disk)),
        }
    }

    /// A client of the simulator.
    pub fn client_platform(&self, client: ClientNumber) -> ClientPlatform {
        let host = Host::Client(client);
        let process = self.net.boot(host);
        ClientPlatform {
            net: Arc::new(SimNet::new(self.net.clone(), process)),
            clock: Arc::new(SimClock::new(self.clock.clone(), host)),
            entropy: Arc::new(self.entropy(host, process.incarnation)),
        }
    }

    fn entropy(&self, host: Host, incarnation: u64) -> SimEntropy {
        let stream = Mutex::new(self.streams.open("entropy", host.number(), incarnation));
        SimEntropy { stream, host, now: self.now.clone(), trace: self.trace.clone() }
    }

    /// Whether a member's process runs: false between its death and its next boot.
    pub fn is_alive(&self, member: Member) -> bool {
        self.disk.is_running(member)
    }

    /// A member's process dies: its disk and sockets are fenced, its connections reset.
    ///
    /// Then its tasks must be ended with madsim's `Handle::kill`.
    pub fn kill(&self, member: Member) {
        self.disk.kill(member);
        self.net.kill(Host::Member(member));
    }

    /// A member's machine loses power: its sockets are silent, and its disk keeps what `policy` says.
    ///
    /// Then its tasks must be ended with madsim's `Handle::kill`.
    pub fn power_loss(&self, id: FaultId, member: Member, policy: PowerLoss) -> PowerLossEffect {
        self.net.power_off(Host::Member(member));
        self.disk.power_loss(member, id, policy)
    }
}

/// Random bits of one incarnation of one process.
struct SimEntropy {
    stream: Mutex<Stream>,
    host: Host,
    now: Now,
    trace: Trace,
}

impl Entropy for SimEntropy {
    fn next_u64(&self) -> u64 {
        let drawn = self.stream.lock().expect("no one panics while drawing").next_u64();
        let numbers = [self.host.number(), drawn, 0];
        let event = Event { verb: "drawn", numbers };
        self.trace.record_bytes(self.now.ns(), self.host.member(), Kind::Entropy, event, &[]);
        drawn
    }
}
