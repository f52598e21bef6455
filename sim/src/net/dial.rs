//! Listening, dialling and accepting.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::task::{Poll, Waker};

use super::connection::EndId;
use super::fault::LinkFault;
use super::{Backlog, FIRST_PORT, Network};
use crate::host::{Host, Process};
use crate::stream::FaultId;
use crate::trace::Kind;

/// What becomes of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syn {
    /// It arrives after so many nanoseconds.
    Travels(u64),
    /// It is lost; send another.
    Vanishes,
}

/// What the other kernel does with a SYN that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A connection; the dialler knows it after so many nanoseconds.
    Accepted(EndId, u64),
    /// A RST; the dialler knows it after so many nanoseconds.
    Refused(u64),
    /// The answer is lost; send another SYN.
    Vanishes,
}

impl Network {
    /// Binds a port of a host; 0 asks for a free one. Answers the port.
    pub fn listen(&mut self, now_ns: u64, by: Process, port: u16) -> Result<u16> {
        let host = by.host;
        let machine = self.running(by).ok_or(ErrorKind::NotConnected)?;
        let port = if port == 0 {
            let free = |port: &u16| !machine.listeners.contains_key(port);
            (FIRST_PORT..=u16::MAX).find(free).ok_or(ErrorKind::AddrInUse)?
        } else {
            port
        };
        if machine.listeners.contains_key(&port) {
            return Err(Error::from(ErrorKind::AddrInUse));
        }
        machine.listeners.insert(port, Backlog::default());
        let member = host.member();
        self.trace.record(now_ns, member, Kind::Net, format_args!("listen {host}:{port}"));
        Ok(port)
    }

    /// Closes a listener: whoever waits to be accepted is reset.
    pub fn stop_listening(&mut self, now_ns: u64, by: Process, port: u16) {
        let Some(machine) = self.running(by) else { return };
        let Some(backlog) = machine.listeners.remove(&port) else { return };
        for (end, _) in backlog.waiting {
            self.refuse(now_ns, end);
        }
    }

    /// Resets a connection that nobody has accepted.
    pub(super) fn refuse(&mut self, now_ns: u64, end: EndId) {
        self.send_reset(now_ns, end);
        self.abort(end, ErrorKind::ConnectionAborted);
        self.close(now_ns, end);
    }

    /// The next connection that waits at a listener.
    pub fn accept(
        &mut self,
        by: Process,
        port: u16,
        waker: &Waker,
    ) -> Poll<Result<(EndId, SocketAddr)>> {
        let listener = self.running(by).and_then(|machine| machine.listeners.get_mut(&port));
        let Some(backlog) = listener else {
            return Poll::Ready(Err(ErrorKind::NotConnected.into()));
        };
        if let Some(accepted) = backlog.waiting.pop_front() {
            return Poll::Ready(Ok(accepted));
        }
        backlog.acceptor = Some(waker.clone());
        Poll::Pending
    }

    /// Sends a SYN.
    pub fn dial(&mut self, now_ns: u64, by: Process, to: Host) -> Result<Syn> {
        let from = by.host;
        self.running(by).ok_or(ErrorKind::NotConnected)?;
        self.trace.record(now_ns, from.member(), Kind::Net, format_args!("syn {from}->{to}"));
        if self.is_lost(from, to) {
            return Ok(Syn::Vanishes);
        }
        let config = self.config;
        Ok(Syn::Travels(self.link(from, to).transit(now_ns, &config, None).delay_ns))
    }

    /// A SYN arrives.
    pub fn answer(&mut self, now_ns: u64, by: Process, to: Host, port: u16) -> Result<Answer> {
        let from = by.host;
        self.running(by).ok_or(ErrorKind::NotConnected)?;
        if self.is_lost(to, from) || !self.is_powered(to) {
            return Ok(Answer::Vanishes);
        }
        let config = self.config;
        let back_ns = self.link(to, from).transit(now_ns, &config, None).delay_ns;
        let refusal = self.first_fault(from, to, |fault| *fault == LinkFault::RefuseConnect);
        if let Some(id) = refusal {
            self.credit(id, |effect| effect.dials_refused += 1);
        }
        let listens =
            self.machines.get(&to).is_some_and(|machine| machine.listeners.contains_key(&port));
        if refusal.is_some() || !listens {
            let line = format_args!("refused {from}->{to}:{port}");
            self.trace.record(now_ns, from.member(), Kind::Net, line);
            return Ok(Answer::Refused(back_ns));
        }
        let end = self.open(from, to);
        let machine = self.running(by).ok_or(ErrorKind::NotConnected)?;
        let from_port = machine.next_port;
        machine.next_port = from_port.checked_add(1).unwrap_or(FIRST_PORT);
        let from_addr = SocketAddr::new(from.ip(), from_port);
        let listener =
            self.machines.get_mut(&to).and_then(|machine| machine.listeners.get_mut(&port));
        if let Some(backlog) = listener {
            backlog.waiting.push_back((end.peer(), from_addr));
            let acceptor = backlog.acceptor.take();
            self.wakes.extend(acceptor);
        }
        let line = format_args!("connection {} {from}:{from_port}->{to}:{port}", end.connection);
        self.trace.record(now_ns, from.member(), Kind::Net, line);
        Ok(Answer::Accepted(end, back_ns))
    }

    /// Whether a segment that opens a connection is lost; counts it.
    fn is_lost(&mut self, from: Host, to: Host) -> bool {
        let hangs = |fault: &LinkFault| fault.holds().is_some() || *fault == LinkFault::HangConnect;
        let fault = self.first_fault(from, to, hangs);
        if let Some(id) = fault {
            self.credit(id, |effect| effect.dials_hung += 1);
        }
        fault.is_some() || !self.is_powered(to)
    }

    fn first_fault(
        &mut self,
        from: Host,
        to: Host,
        wanted: impl Fn(&LinkFault) -> bool,
    ) -> Option<FaultId> {
        self.link(from, to).faults.iter().find(|fault| wanted(&fault.fault)).map(|fault| fault.id)
    }
}
