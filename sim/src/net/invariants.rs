//! The invariants of the network: they hold between any two steps.
//!
//! For each end of a connection and its *peer*, the other end:
//!
//! - Bytes are counted once. As long as both kernels know the connection, the bytes in flight are
//!   those held at the end and those on their way to the peer. They never exceed the window.
//! - Segments arrive in order, each later than the one before.
//! - An end sends one FIN at most, and no bytes after a FIN.
//! - Held segments count as unacknowledged, so that the user timeout ends the connection.
//! - An end that the kernel has forgotten has an error, and no segment arrives there.
//! - A connection that is closed at both ends is forgotten.
//!
//! A running process has a machine with power, and only a running process listens.

use super::connection::{Connection, End, EndId, Piece};
use super::{FIRST_PORT, Network};

/// The whole network is looked at each time so many steps have passed.
const SCAN_EVERY: u64 = 1024;

impl Network {
    /// Ends a step. From time to time the whole network is looked at.
    pub(super) fn end_step(&mut self) {
        if cfg!(debug_assertions) {
            self.steps += 1;
            if self.steps.is_multiple_of(SCAN_EVERY) {
                self.check_invariants();
            }
        }
    }

    /// Looks at one end only, in a time that does not depend on how much it holds.
    pub(super) fn check_end(&self, id: EndId) {
        if cfg!(debug_assertions)
            && let Some(connection) = self.connections.get(&id.connection)
        {
            connection.ends[usize::from(id.side)].check(self.config.window, id);
        }
    }

    /// Asserts everything that the head of this file says.
    pub fn check_invariants(&self) {
        for (&number, connection) in &self.connections {
            assert!(
                number < self.next_connection,
                "connection {number} is from the future: the next one is {}",
                self.next_connection
            );
            connection.check(self.config.window, number);
        }
        for (host, machine) in &self.machines {
            assert!(machine.incarnation > 0, "{host} has a machine and was never booted");
            assert!(machine.powered || !machine.running, "a process runs on {host} without power");
            assert!(
                machine.running || machine.listeners.is_empty(),
                "{host} listens without a process"
            );
            assert!(machine.next_port >= FIRST_PORT, "{host} gives out port {}", machine.next_port);
            for (port, backlog) in &machine.listeners {
                assert!(
                    backlog.acceptor.is_none() || backlog.waiting.is_empty(),
                    "whoever accepts at {host}:{port} sleeps while a connection waits"
                );
                for (end, _) in &backlog.waiting {
                    let connection = self.connections.get(&end.connection);
                    let known = connection.is_some_and(|c| !c.ends[usize::from(end.side)].closed);
                    assert!(known, "{end:?} waits at {host}:{port}, and is closed");
                }
            }
        }
        for ((from, to), link) in &self.links {
            for fault in &link.faults {
                assert!(
                    self.effects.contains_key(&fault.id),
                    "fault {} on {from}->{to} has no count of effects",
                    fault.id.0
                );
            }
        }
    }
}

impl Connection {
    fn check(&self, window: usize, connection: u64) {
        let [dialler, acceptor] = &self.ends;
        assert!(
            !(dialler.closed && acceptor.closed),
            "connection {connection} is closed at both ends, and not forgotten"
        );
        for (this, peer, side) in [(dialler, acceptor, 0), (acceptor, dialler, 1)] {
            let id = EndId { connection, side };
            this.check(window, id);
            this.check_sent(peer, id);
        }
    }
}

impl End {
    /// What holds of an end by itself, cheaply.
    fn check(&self, window: usize, id: EndId) {
        assert!(
            self.in_flight <= window,
            "{id:?} has {} bytes in flight, beyond its window of {window}",
            self.in_flight
        );
        assert_eq!(self.gone, self.error.is_some(), "{id:?} is forgotten if and only if it failed");
        assert!(
            self.arrivals.is_empty() || !self.gone,
            "{} segments arrive at {id:?}, which is forgotten",
            self.arrivals.len()
        );
        assert!(
            self.held.is_empty() || self.unacked_since_ns.is_some(),
            "{id:?} holds {} pieces that no timeout will end",
            self.held.len()
        );
        let last_ns = self.arrivals.back().map_or(0, |segment| segment.at_ns);
        assert!(
            last_ns <= self.last_arrival_ns,
            "a segment arrives at {id:?} at {last_ns}, later than the last one ({})",
            self.last_arrival_ns
        );
    }

    /// What this end has sent and its peer has not read.
    fn check_sent(&self, peer: &End, id: EndId) {
        let (mut bytes, mut fins, mut last_ns) = (0, 0, None);
        let arriving = peer.arrivals.iter().map(|segment| (&segment.piece, Some(segment.at_ns)));
        for (piece, at_ns) in arriving.chain(self.held.iter().map(|piece| (piece, None))) {
            if let (Some(at_ns), Some(last_ns)) = (at_ns, last_ns) {
                assert!(
                    last_ns < at_ns,
                    "a segment of {id:?} arrives at {at_ns}, after one of {last_ns}"
                );
            }
            last_ns = at_ns.or(last_ns);
            match piece {
                Piece::Bytes(more) => {
                    assert_eq!(fins, 0, "{id:?} sends {} bytes after its FIN", more.len());
                    bytes += more.len();
                }
                Piece::Fin => fins += 1,
                Piece::Reset => {}
            }
        }
        assert!(fins <= usize::from(self.shut), "{id:?} sends {fins} FINs, shut: {}", self.shut);
        assert!(fins == 0 || !peer.finished, "{id:?} sends a second FIN");
        let known = !self.gone && !peer.gone && !peer.closed;
        assert!(
            if known { self.in_flight == bytes } else { self.in_flight >= bytes },
            "{id:?} counts {} bytes in flight, and {bytes} are",
            self.in_flight
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Story;
    use super::*;

    fn ends(story: &mut Story) -> &mut [End; 2] {
        let connection = story.net.connections.values_mut().next();
        &mut connection.expect("the story has a connection").ends
    }

    #[test]
    fn a_fresh_connection_is_in_order() {
        let mut story = Story::new(1);
        story.write(story.a, b"bytes");
        story.net.check_invariants();
    }

    #[test]
    #[should_panic(expected = "counts 7 bytes in flight, and 5 are")]
    fn a_byte_counted_twice_is_seen() {
        let mut story = Story::new(1);
        story.write(story.a, b"bytes");
        ends(&mut story)[0].in_flight += 2;
        story.net.check_invariants();
    }

    #[test]
    #[should_panic(expected = "beyond its window")]
    fn more_than_a_window_is_seen() {
        let mut story = Story::new(1);
        ends(&mut story)[0].in_flight = usize::MAX;
        story.net.check_end(story.a);
    }

    #[test]
    #[should_panic(expected = "sends 5 bytes after its FIN")]
    fn bytes_after_a_fin_are_seen() {
        let mut story = Story::new(1);
        story.net.shut(0, story.a);
        ends(&mut story)[0].shut = false;
        story.write(story.a, b"bytes");
        story.net.check_invariants();
    }

    #[test]
    #[should_panic(expected = "holds 1 pieces that no timeout will end")]
    fn a_piece_that_is_held_for_ever_is_seen() {
        let mut story = Story::new(1);
        ends(&mut story)[1].held.push_back(Piece::Fin);
        story.net.check_invariants();
    }

    #[test]
    #[should_panic(expected = "is forgotten if and only if it failed")]
    fn an_end_forgotten_without_an_error_is_seen() {
        let mut story = Story::new(1);
        ends(&mut story)[0].gone = true;
        story.net.check_invariants();
    }

    #[test]
    #[should_panic(expected = "m2 listens without a process")]
    fn a_listener_of_nobody_is_seen() {
        let mut story = Story::new(1);
        for machine in story.net.machines.values_mut() {
            machine.running = false;
        }
        story.net.check_invariants();
    }
}
