//! Segments between the two ends of a connection: sent, held, sent again, lost, answered by a RST.

use std::io::ErrorKind;

use bytes::Bytes;

use super::Network;
use super::connection::{EndId, Piece, Segment};
use super::link::Hold;
use crate::host::Host;
use crate::member::Member;
use crate::stream::{FaultId, Stream};
use crate::trace::{Event, Kind};

impl Network {
    /// Sends a piece to the other end; it arrives `extra_ns` later than it would.
    pub(super) fn send(&mut self, now_ns: u64, id: EndId, mut piece: Piece, extra_ns: u64) {
        let Some((end, peer)) = self.pair(id) else { return };
        let (from, to) = (end.host, peer.host);
        let peer_gone = peer.gone || peer.closed;
        let waits = !end.held.is_empty() && piece != Piece::Reset;
        if waits || self.is_blocked(id, from, to) {
            self.hold(now_ns, id, piece);
            return;
        }
        let config = self.config;
        let bytes = if let Piece::Bytes(bytes) = &mut piece { Some(bytes) } else { None };
        let transit = self.link(from, to).transit(now_ns, &config, bytes);
        for (fault, effect) in transit.effects {
            self.credit(fault, |sum| sum.add(&effect));
        }
        if transit.delay_ns > config.user_timeout_ns {
            self.hold(now_ns, id, piece);
            return;
        }
        let at_ns = now_ns + transit.delay_ns + extra_ns;
        let acks_lost = self.is_blocked(id, to, from);
        if acks_lost {
            self.mark_unacked(now_ns, id, to, from);
        }
        if !peer_gone {
            self.arrive(at_ns, id.peer(), piece);
        } else if !acks_lost && piece != Piece::Reset {
            // The other kernel knows no such connection.
            let back_ns = self.link(to, from).transit(now_ns, &config, None).delay_ns;
            self.arrive(at_ns + back_ns, id, Piece::Reset);
        }
    }

    pub(super) fn send_reset(&mut self, now_ns: u64, id: EndId) {
        let Some(end) = self.end(id) else { return };
        let member = end.host.member();
        self.note(now_ns, member, "rst", id, 0);
        self.send(now_ns, id, Piece::Reset, 0);
    }

    /// Whether bytes of this connection do not get from one host to the other now.
    fn is_blocked(&mut self, id: EndId, from: Host, to: Host) -> bool {
        let silenced = self.connections.get(&id.connection).is_some_and(|c| c.silenced.is_some());
        silenced || !self.is_powered(to) || self.link(from, to).is_held()
    }

    /// The faults to blame for that.
    fn blockers(&mut self, id: EndId, from: Host, to: Host) -> Vec<FaultId> {
        let mut faults: Vec<FaultId> = self.link(from, to).holding().collect();
        faults.extend(self.connections.get(&id.connection).and_then(|c| c.silenced));
        faults
    }

    /// Keeps a piece at the sender. A RST is not kept: nobody repeats it.
    fn hold(&mut self, now_ns: u64, id: EndId, piece: Piece) {
        if piece == Piece::Reset {
            return;
        }
        let Some((end, peer)) = self.pair(id) else { return };
        let (from, to) = (end.host, peer.host);
        let len = if let Piece::Bytes(bytes) = &piece { bytes.len() as u64 } else { 0 };
        end.held.push_back(piece);
        for fault in self.blockers(id, from, to) {
            self.credit(fault, |effect| effect.bytes_held += len);
        }
        self.mark_unacked(now_ns, id, from, to);
    }

    /// Something this end sent will not be acknowledged, since `from` → `to` is blocked.
    fn mark_unacked(&mut self, now_ns: u64, id: EndId, from: Host, to: Host) {
        let faults = self.blockers(id, from, to);
        let Some(end) = self.end(id) else { return };
        end.unacked_since_ns.get_or_insert(now_ns);
        for fault in faults {
            if !end.held_by.contains(&fault) {
                end.held_by.push(fault);
            }
        }
        self.wake(id);
    }

    /// What this end has sent and has not arrived yet never arrives: it waits to be sent again.
    pub(super) fn pull_back(&mut self, now_ns: u64, id: EndId) {
        let Some((end, peer)) = self.pair(id) else { return };
        let arrived = peer.arrivals.partition_point(|segment| segment.at_ns <= now_ns);
        let lost = peer.arrivals.split_off(arrived);
        peer.last_arrival_ns = peer.last_arrival_ns.min(now_ns);
        let earlier = std::mem::take(&mut end.held);
        for segment in lost {
            self.hold(now_ns, id, segment.piece);
        }
        if let Some(end) = self.end(id) {
            end.held.extend(earlier);
        }
        self.check_end(id);
    }

    /// A part of what this end has sent and has not arrived yet never arrives, by the coins of a
    /// stream: nobody is left to send it again. A segment may be cut in the middle.
    pub(super) fn lose_tail(&mut self, now_ns: u64, id: EndId, coins: &mut Stream) {
        let tail_lost_ppm = self.config.tail_lost_ppm;
        if tail_lost_ppm == 0 {
            return;
        }
        let lost = coins.chance(tail_lost_ppm);
        let Some((end, peer)) = self.pair(id) else { return };
        let arrived = peer.arrivals.partition_point(|segment| segment.at_ns <= now_ns);
        let on_its_way = peer.arrivals.iter().skip(arrived).map(|segment| segment.piece.len());
        let mut left = coins.below(on_its_way.sum::<usize>() as u64 + 1) as usize;
        if !lost {
            return;
        }
        let before = end.in_flight;
        for segment in peer.arrivals.split_off(arrived) {
            let Segment { at_ns, piece: Piece::Bytes(mut bytes) } = segment else { continue };
            let len = bytes.len();
            bytes.truncate(left);
            left -= bytes.len();
            end.in_flight -= len - bytes.len();
            if !bytes.is_empty() {
                peer.arrivals.push_back(Segment { at_ns, piece: Piece::Bytes(bytes) });
            }
        }
        let gone = before - end.in_flight;
        self.note(now_ns, None, "tail lost", id, gone);
    }

    /// The acknowledgements of what is still on its way to this end will be lost.
    pub(super) fn lose_acks(&mut self, now_ns: u64, id: EndId) {
        let Some((end, peer)) = self.pair(id) else { return };
        let (from, to) = (end.host, peer.host);
        if end.arrivals.back().is_some_and(|segment| segment.at_ns > now_ns) {
            self.mark_unacked(now_ns, id.peer(), from, to);
        }
    }

    /// Sends the held pieces, if the link is open again.
    pub(super) fn resume(&mut self, now_ns: u64, id: EndId, hold: Hold) {
        let Some((end, peer)) = self.pair(id) else { return };
        let (from, to) = (end.host, peer.host);
        let Some(since_ns) = end.unacked_since_ns else { return };
        if self.is_blocked(id, from, to) {
            return;
        }
        let acks_lost = self.is_blocked(id, to, from);
        let extra_ns = match hold {
            Hold::UntilHealed => 0,
            Hold::UntilRetransmitted => self.until_retransmission(now_ns, since_ns),
        };
        let Some(end) = self.end(id) else { return };
        let held = std::mem::take(&mut end.held);
        if !acks_lost {
            end.unacked_since_ns = None;
            end.held_by.clear();
        }
        for piece in held {
            self.send(now_ns, id, piece, extra_ns);
        }
        self.check_end(id);
        self.wake(id);
    }

    /// How long until the next retransmission of what was first sent at `since_ns`.
    fn until_retransmission(&self, now_ns: u64, since_ns: u64) -> u64 {
        let (mut next_ns, mut timeout_ns) = (since_ns, self.config.retransmit_ns.max(1));
        while next_ns < now_ns {
            next_ns += timeout_ns;
            timeout_ns *= 2;
        }
        next_ns - now_ns
    }

    /// Every further byte of a connection vanishes.
    pub(super) fn silence(&mut self, now_ns: u64, id: EndId, fault: FaultId) {
        if let Some(connection) = self.connections.get_mut(&id.connection) {
            connection.silenced = Some(fault);
        }
        self.pull_back(now_ns, id);
        self.pull_back(now_ns, id.peer());
    }

    /// A piece reaches this end at a time, in order.
    fn arrive(&mut self, at_ns: u64, id: EndId, piece: Piece) {
        let Some(end) = self.end(id) else { return };
        if end.gone {
            return;
        }
        let at_ns = at_ns.max(end.last_arrival_ns + 1);
        end.last_arrival_ns = at_ns;
        end.arrivals.push_back(Segment { at_ns, piece });
        self.wake(id);
    }

    /// Polls whoever waits at this end again: when it must come back has changed.
    pub(super) fn wake(&mut self, id: EndId) {
        let Some(end) = self.end(id) else { return };
        let waiting = [end.reader.take(), end.writer.take()];
        self.wakes.extend(waiting.into_iter().flatten());
    }

    /// This end is broken: the kernel forgets it, and what it had not read.
    pub(super) fn abort(&mut self, id: EndId, kind: ErrorKind) {
        let Some((end, peer)) = self.pair(id) else { return };
        end.error = Some(kind);
        end.gone = true;
        end.unacked_since_ns = None;
        end.held.clear();
        let unread = end.arrivals.drain(..).map(|segment| segment.piece.len()).sum::<usize>();
        assert!(unread <= peer.in_flight, "{unread} bytes are lost, {} in flight", peer.in_flight);
        peer.in_flight -= unread;
        let writer = peer.writer.take();
        self.wakes.extend(writer);
        self.wake(id);
    }

    /// Gives up an end whose bytes have stayed unacknowledged for too long.
    pub(super) fn expire(&mut self, now_ns: u64, id: EndId) {
        let user_timeout_ns = self.config.user_timeout_ns;
        let Some(end) = self.end(id) else { return };
        if end.unacked_since_ns.is_none_or(|since_ns| since_ns + user_timeout_ns > now_ns) {
            return;
        }
        let (member, faults) = (end.host.member(), std::mem::take(&mut end.held_by));
        for fault in faults {
            self.credit(fault, |effect| effect.connections_timed_out += 1);
        }
        self.note(now_ns, member, "timed out", id, 0);
        self.abort(id, ErrorKind::TimedOut);
    }

    /// Drops a connection that no application holds any more.
    pub(super) fn forget(&mut self, id: EndId) {
        let Some((end, peer)) = self.pair(id) else { return };
        if end.closed && peer.closed {
            self.connections.remove(&id.connection);
        }
    }

    pub(super) fn note(
        &self,
        now_ns: u64,
        member: Option<Member>,
        verb: &'static str,
        id: EndId,
        len: usize,
    ) {
        let numbers = [id.connection, u64::from(id.side), len as u64];
        self.trace.record_bytes(now_ns, member, Kind::Net, Event { verb, numbers }, &[]);
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Piece::Bytes(bytes) => Bytes::len(bytes),
            Piece::Fin | Piece::Reset => 0,
        }
    }
}
