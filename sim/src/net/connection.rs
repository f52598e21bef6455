//! Connections: two ends, and in each direction an ordered run of segments with arrival times.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::task::Waker;

use bytes::Bytes;

use super::fault::{Injected, LinkFault};
use super::{NetConfig, Network};
use crate::host::Host;
use crate::stream::FaultId;
use crate::trace::{Event, Kind};

/// Names one end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndId {
    pub(super) connection: u64,
    /// 0 dialled, 1 accepted.
    pub(super) side: u8,
}

impl EndId {
    /// The other end.
    #[must_use]
    pub fn peer(self) -> EndId {
        EndId { side: 1 - self.side, ..self }
    }
}

/// The answer to a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Some bytes.
    Bytes(Bytes),
    /// The other end will send no more.
    End,
    /// The connection is broken.
    Failed(ErrorKind),
    /// Nothing yet. The waker is kept; come back at this time at the latest, if there is one.
    Wait(Option<u64>),
}

/// The answer to a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// So many bytes were taken.
    Taken(usize),
    /// The connection is broken.
    Failed(ErrorKind),
    /// The window is full. The waker is kept; come back at this time at the latest.
    Wait(Option<u64>),
}

/// What a segment carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Bytes(Bytes),
    Fin,
    Reset,
}

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) at_ns: u64,
    pub(super) piece: Piece,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) ends: [End; 2],
    /// The fault that makes every byte vanish.
    pub(super) silenced: Option<FaultId>,
}

/// One end of a connection: the segments on their way there, and the pieces that could not leave.
#[derive(Debug)]
pub(super) struct End {
    pub(super) host: Host,
    pub(super) arrivals: VecDeque<Segment>,
    pub(super) last_arrival_ns: u64,
    /// Bytes sent that the other end has not read.
    pub(super) in_flight: usize,
    /// What could not be sent, in order.
    pub(super) held: VecDeque<Piece>,
    /// Since when something stays unacknowledged.
    pub(super) unacked_since_ns: Option<u64>,
    /// The faults that held something, for the count of timeouts.
    pub(super) held_by: Vec<FaultId>,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    pub(super) error: Option<ErrorKind>,
    /// The other end's FIN was read.
    pub(super) finished: bool,
    /// A FIN was sent.
    pub(super) shut: bool,
    /// The application let go of it.
    pub(super) closed: bool,
    /// The kernel does not know it any more.
    pub(super) gone: bool,
}

impl End {
    fn new(host: Host) -> End {
        End {
            host,
            arrivals: VecDeque::new(),
            last_arrival_ns: 0,
            in_flight: 0,
            held: VecDeque::new(),
            unacked_since_ns: None,
            held_by: Vec::new(),
            reader: None,
            writer: None,
            error: None,
            finished: false,
            shut: false,
            closed: false,
            gone: false,
        }
    }

    /// When the next thing happens to this end by itself.
    fn next_event_ns(&self, user_timeout_ns: u64) -> Option<u64> {
        let timeout_ns = self.unacked_since_ns.map(|since_ns| since_ns + user_timeout_ns);
        let arrival_ns = self.arrivals.front().map(|segment| segment.at_ns);
        [timeout_ns, arrival_ns].into_iter().flatten().min()
    }
}

impl Network {
    pub(super) fn open(&mut self, dialler: Host, acceptor: Host) -> EndId {
        let connection = self.next_connection;
        self.next_connection += 1;
        let ends = [End::new(dialler), End::new(acceptor)];
        self.connections.insert(connection, Connection { ends, silenced: None });
        EndId { connection, side: 0 }
    }

    pub(super) fn end(&mut self, id: EndId) -> Option<&mut End> {
        self.connections
            .get_mut(&id.connection)
            .map(|connection| &mut connection.ends[usize::from(id.side)])
    }

    /// Both ends, this one first.
    pub(super) fn pair(&mut self, id: EndId) -> Option<(&mut End, &mut End)> {
        let [dialler, acceptor] = &mut self.connections.get_mut(&id.connection)?.ends;
        Some(if id.side == 0 { (dialler, acceptor) } else { (acceptor, dialler) })
    }

    /// The ends at `from` of connections with `to`.
    pub(super) fn ends_between(&self, from: Host, to: Host) -> Vec<EndId> {
        self.select(|here, there| here == from && there == to)
    }

    /// The ends at a host.
    pub(super) fn ends_of(&self, host: Host) -> Vec<EndId> {
        self.select(|here, _| here == host)
    }

    fn select(&self, wanted: impl Fn(Host, Host) -> bool) -> Vec<EndId> {
        let mut found = Vec::new();
        for (&connection, Connection { ends: [dialler, acceptor], .. }) in &self.connections {
            if wanted(dialler.host, acceptor.host) {
                found.push(EndId { connection, side: 0 });
            }
            if wanted(acceptor.host, dialler.host) {
                found.push(EndId { connection, side: 1 });
            }
        }
        found
    }

    /// Whether an application still holds this end and it is not broken.
    pub(super) fn is_live(&mut self, id: EndId) -> bool {
        self.end(id).is_some_and(|end| !end.closed && !end.gone)
    }

    /// Reads up to `limit` bytes that have arrived.
    pub fn read(&mut self, now_ns: u64, id: EndId, limit: usize, waker: &Waker) -> Read {
        self.expire(now_ns, id);
        let user_timeout_ns = self.config.user_timeout_ns;
        let Some((end, peer)) = self.pair(id) else {
            return Read::Failed(ErrorKind::ConnectionReset);
        };
        if let Some(kind) = end.error {
            return Read::Failed(kind);
        }
        if end.finished {
            return Read::End;
        }
        let (here, there) = (end.host, peer.host);
        let has_bytes = end.arrivals.front().is_some_and(|segment| segment.at_ns <= now_ns);
        if let Some(fault) = self.unread_by(there, here).filter(|_| has_bytes) {
            self.credit(fault, |effect| effect.reads_refused += 1);
            if let Some(end) = self.end(id) {
                keep(&mut end.reader, waker);
            }
            return Read::Wait(None);
        }
        let Some((end, peer)) = self.pair(id) else {
            return Read::Failed(ErrorKind::ConnectionReset);
        };
        match end.arrivals.front_mut() {
            Some(segment) if segment.at_ns <= now_ns => match &mut segment.piece {
                Piece::Bytes(bytes) => {
                    let taken = bytes.split_to(bytes.len().min(limit));
                    if bytes.is_empty() {
                        end.arrivals.pop_front();
                    }
                    assert!(
                        taken.len() <= peer.in_flight,
                        "{} bytes are read, {} in flight",
                        taken.len(),
                        peer.in_flight
                    );
                    peer.in_flight -= taken.len();
                    let (member, writer) = (end.host.member(), peer.writer.take());
                    self.wakes.extend(writer);
                    self.note(now_ns, member, "rx", id, taken.len());
                    Read::Bytes(taken)
                }
                Piece::Fin => {
                    end.arrivals.pop_front();
                    end.finished = true;
                    let member = end.host.member();
                    self.note(now_ns, member, "end", id, 0);
                    Read::End
                }
                Piece::Reset => {
                    self.abort(id, ErrorKind::ConnectionReset);
                    Read::Failed(ErrorKind::ConnectionReset)
                }
            },
            _ => {
                keep(&mut end.reader, waker);
                Read::Wait(end.next_event_ns(user_timeout_ns))
            }
        }
    }

    /// The fault that keeps a host from reading what another sends.
    fn unread_by(&self, from: Host, to: Host) -> Option<FaultId> {
        let link = self.links.get(&(from, to))?;
        let unread = |fault: &&Injected| fault.fault == LinkFault::Unread;
        link.faults.iter().find(unread).map(|fault| fault.id)
    }

    /// Writes as many bytes as the window has room for.
    pub fn write(&mut self, now_ns: u64, id: EndId, bytes: &[u8], waker: &Waker) -> Write {
        self.expire(now_ns, id);
        let NetConfig { window, user_timeout_ns, segment, .. } = self.config;
        let Some(end) = self.end(id) else { return Write::Failed(ErrorKind::BrokenPipe) };
        if let Some(kind) = end.error {
            return Write::Failed(kind);
        }
        if end.shut {
            return Write::Failed(ErrorKind::BrokenPipe);
        }
        let reset = end.arrivals.back().filter(|last| last.piece == Piece::Reset);
        if reset.is_some_and(|last| last.at_ns <= now_ns) {
            self.abort(id, ErrorKind::ConnectionReset);
            return Write::Failed(ErrorKind::ConnectionReset);
        }
        assert!(end.in_flight <= window, "{} bytes fill a window of {window}", end.in_flight);
        let room = bytes.len().min(window - end.in_flight).min(segment);
        if room == 0 && !bytes.is_empty() {
            let reset_ns = reset.map(|last| last.at_ns);
            let timeout_ns = end.unacked_since_ns.map(|since_ns| since_ns + user_timeout_ns);
            let until_ns = [reset_ns, timeout_ns].into_iter().flatten().min();
            keep(&mut end.writer, waker);
            return Write::Wait(until_ns);
        }
        end.in_flight += room;
        let member = end.host.member();
        let bytes = Bytes::copy_from_slice(&bytes[..room]);
        let numbers = [id.connection, u64::from(id.side), room as u64];
        let event = Event { verb: "tx", numbers };
        self.trace.record_bytes(now_ns, member, Kind::Net, event, &bytes);
        self.send(now_ns, id, Piece::Bytes(bytes), 0);
        self.check_end(id);
        self.check_end(id.peer());
        Write::Taken(room)
    }

    /// Says that this end will send no more.
    pub fn shut(&mut self, now_ns: u64, id: EndId) {
        let Some(end) = self.end(id) else { return };
        if end.shut || end.gone || end.error.is_some() {
            return;
        }
        end.shut = true;
        let member = end.host.member();
        self.note(now_ns, member, "fin", id, 0);
        self.send(now_ns, id, Piece::Fin, 0);
        self.check_end(id);
    }

    /// The application lets go of this end. Bytes it has not read make that a reset, as in Linux.
    pub fn close(&mut self, now_ns: u64, id: EndId) {
        let Some(end) = self.end(id) else { return };
        let unread = end.arrivals.iter().any(|segment| matches!(segment.piece, Piece::Bytes(_)));
        if unread && !end.gone {
            self.send_reset(now_ns, id);
            self.abort(id, ErrorKind::ConnectionAborted);
        } else {
            self.shut(now_ns, id);
        }
        if let Some(end) = self.end(id) {
            end.closed = true;
        }
        self.forget(id);
    }
}

/// Remembers who waits.
fn keep(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(kept) => kept.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}
