//! Faults of one direction of a link, and the effects that are counted for each.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::link::{Hold, Link};
use super::{EndId, Network};
use crate::host::Host;
use crate::stream::{FaultId, Latency, Stream};
use crate::trace::Kind;

/// A fault of one direction of a link. Several may be there at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkFault {
    /// Nothing gets through. Bytes wait at the sender and are sent again after the healing, at the
    /// next retransmission timeout; a FIN waits as well; a RST is gone for good.
    Cut,
    /// Nothing gets through for a while; then all that waited flows at once.
    Clog,
    /// The latency is replaced.
    Slow(Latency),
    /// Segments are lost, and sent again after the retransmission timeout.
    Loss {
        /// Of a million segments.
        ppm: u32,
    },
    /// Segments queue behind each other.
    Bandwidth {
        /// The rate.
        bytes_per_s: u64,
    },
    /// One bit of a segment is flipped, and the checksum does not see it.
    Corrupt {
        /// Of a million segments.
        ppm: u32,
    },
    /// A peer message is delivered twice.
    Duplicate {
        /// Of a million messages.
        ppm: u32,
    },
    /// A peer message is overtaken by the next one.
    Reorder {
        /// Of a million messages.
        ppm: u32,
    },
    /// New connections are refused.
    RefuseConnect,
    /// New connections hang.
    HangConnect,
    /// The host at the end reads nothing: what arrives stays in the socket.
    Unread,
}

impl LinkFault {
    /// Whether bytes on established connections are held, and how they flow again.
    pub(super) fn holds(&self) -> Option<Hold> {
        match self {
            LinkFault::Cut => Some(Hold::UntilRetransmitted),
            LinkFault::Clog => Some(Hold::UntilHealed),
            _ => None,
        }
    }
}

/// How a live connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reset {
    /// Both ends learn of it at once.
    Both,
    /// The first host's end is gone; the other learns of it when it next sends.
    HalfOpen,
    /// Every further byte vanishes, both ways, and no one is told.
    Silent,
}

/// What came of one fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetEffect {
    /// Bytes that waited for a cut or clog to heal.
    pub bytes_held: u64,
    /// Bytes that took longer than they would have.
    pub bytes_delayed: u64,
    /// By how much altogether, in nanoseconds.
    pub delay_ns: u64,
    /// Segments lost (and sent again).
    pub segments_lost: u64,
    /// Bytes that queued for bandwidth.
    pub bytes_queued: u64,
    /// Bits flipped.
    pub bits_flipped: u64,
    /// Connections reset.
    pub connections_reset: u64,
    /// Connections given up after the user timeout.
    pub connections_timed_out: u64,
    /// New connections refused.
    pub dials_refused: u64,
    /// Attempts to connect that vanished.
    pub dials_hung: u64,
    /// Peer messages delivered twice.
    pub messages_duplicated: u64,
    /// Peer messages overtaken by a later one.
    pub messages_reordered: u64,
    /// Reads that would have had bytes.
    pub reads_refused: u64,
}

impl NetEffect {
    pub(super) fn add(&mut self, more: &NetEffect) {
        self.bytes_held += more.bytes_held;
        self.bytes_delayed += more.bytes_delayed;
        self.delay_ns += more.delay_ns;
        self.segments_lost += more.segments_lost;
        self.bytes_queued += more.bytes_queued;
        self.bits_flipped += more.bits_flipped;
        self.connections_reset += more.connections_reset;
        self.connections_timed_out += more.connections_timed_out;
        self.dials_refused += more.dials_refused;
        self.dials_hung += more.dials_hung;
        self.messages_duplicated += more.messages_duplicated;
        self.messages_reordered += more.messages_reordered;
        self.reads_refused += more.reads_refused;
    }
}

/// A fault in place on a link.
#[derive(Debug)]
pub(super) struct Injected {
    pub(super) id: FaultId,
    pub(super) fault: LinkFault,
    pub(super) stream: Stream,
}

impl Network {
    /// Puts a fault on the direction `from` → `to`.
    pub fn inject(&mut self, now_ns: u64, id: FaultId, from: Host, to: Host, fault: LinkFault) {
        self.trace.record(
            now_ns,
            None,
            Kind::Fault,
            format_args!("inject {} {from}->{to} {fault:?}", id.0),
        );
        self.effects.entry(id).or_default();
        let entity = from.number() << 16 | to.number();
        let stream = self.streams.open("net fault", entity, u64::from(id.0));
        self.link(from, to).faults.push(Injected { id, fault, stream });
        if fault.holds().is_some() {
            for end in self.ends_between(from, to) {
                self.pull_back(now_ns, end);
                self.lose_acks(now_ns, end);
            }
        }
    }

    /// Takes every fault of this id off every link.
    pub fn heal(&mut self, now_ns: u64, id: FaultId) {
        self.trace.record(now_ns, None, Kind::Fault, format_args!("heal {}", id.0));
        let (mut healed, mut unread) = (Vec::new(), Vec::new());
        for (&(from, to), link) in &mut self.links {
            let reads_again = |f: &Injected| f.id == id && f.fault == LinkFault::Unread;
            unread.extend(link.faults.iter().any(reads_again).then_some((from, to)));
            let hold = link.faults.iter().filter(|f| f.id == id).find_map(|f| f.fault.holds());
            link.faults.retain(|fault| fault.id != id);
            healed.extend(hold.map(|hold| (from, to, hold)));
        }
        for (from, to) in unread {
            for end in self.ends_between(to, from) {
                self.wake(end);
            }
        }
        for (from, to, hold) in healed {
            for end in self.ends_between(from, to) {
                self.resume(now_ns, end, hold);
                self.resume(now_ns, end.peer(), Hold::UntilRetransmitted);
            }
        }
    }

    /// What came of a fault so far.
    pub fn effect(&self, id: FaultId) -> NetEffect {
        self.effects.get(&id).copied().unwrap_or_default()
    }

    pub(super) fn credit(&mut self, id: FaultId, add: impl FnOnce(&mut NetEffect)) {
        add(self.effects.entry(id).or_default());
    }

    /// Resets the live connections between two hosts; answers how many.
    pub fn reset(&mut self, now_ns: u64, id: FaultId, a: Host, b: Host, how: Reset) -> u64 {
        self.trace.record(
            now_ns,
            None,
            Kind::Fault,
            format_args!("reset {} {a}-{b} {how:?}", id.0),
        );
        let ends: Vec<EndId> =
            self.ends_between(a, b).into_iter().filter(|end| self.is_live(*end)).collect();
        let count = ends.len() as u64;
        self.credit(id, |effect| effect.connections_reset += count);
        for end in ends {
            match how {
                Reset::Both => {
                    self.abort(end, std::io::ErrorKind::ConnectionReset);
                    self.abort(end.peer(), std::io::ErrorKind::ConnectionReset);
                }
                Reset::HalfOpen => self.abort(end, std::io::ErrorKind::ConnectionReset),
                Reset::Silent => self.silence(now_ns, end, id),
            }
        }
        count
    }

    /// Passes a peer message: the messages to write now, in order.
    pub fn peer_message(&mut self, from: Host, to: Host, message: Bytes) -> Vec<Bytes> {
        let link = self.link(from, to);
        let mut messages = vec![message];
        let mut duplicated = None;
        let mut held_back = None;
        for fault in &mut link.faults {
            match fault.fault {
                LinkFault::Duplicate { ppm } if fault.stream.chance(ppm) => {
                    duplicated = Some(fault.id);
                }
                LinkFault::Reorder { ppm } if fault.stream.chance(ppm) => {
                    held_back = Some(fault.id);
                }
                _ => {}
            }
        }
        if let Some(id) = duplicated {
            messages.push(messages[0].clone());
            self.credit(id, |effect| effect.messages_duplicated += 1);
        }
        let link = self.link(from, to);
        match (link.held_message.take(), held_back) {
            (Some((id, earlier)), _) => {
                messages.push(earlier);
                self.credit(id, |effect| effect.messages_reordered += 1);
            }
            (None, Some(id)) => link.held_message = Some((id, messages.remove(0))),
            (None, None) => {}
        }
        messages
    }
}

impl Link {
    /// The faults that hold bytes now.
    pub(super) fn holding(&self) -> impl Iterator<Item = FaultId> {
        self.faults.iter().filter(|fault| fault.fault.holds().is_some()).map(|fault| fault.id)
    }

    /// Whether bytes are held now.
    pub(super) fn is_held(&self) -> bool {
        self.holding().next().is_some()
    }
}
