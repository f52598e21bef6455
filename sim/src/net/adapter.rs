//! The network as one host's process sees it.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use madsim::time::TimeHandle;
use mettle_server::platform::{self, BoxFuture};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Answer, EndId, NetHandle, Read, Syn, Write};
use crate::clock::{Alarm, until};
use crate::host::{Host, Process};

/// The sockets of one incarnation of one host's process.
#[derive(Clone)]
pub struct SimNet {
    handle: NetHandle,
    time: TimeHandle,
    process: Process,
}

impl SimNet {
    /// The sockets of a process that [`NetHandle::boot`] has let in.
    pub fn new(handle: NetHandle, process: Process) -> SimNet {
        SimNet { handle, time: TimeHandle::current(), process }
    }

    fn stream(&self, end: EndId) -> SimStream {
        let (handle, time) = (self.handle.clone(), self.time.clone());
        SimStream { handle, time, end, reading: Alarm::default(), writing: Alarm::default() }
    }

    /// The host at an address, as seen from here.
    fn resolve(&self, ip: IpAddr) -> io::Result<Host> {
        if ip.is_loopback() || ip.is_unspecified() {
            return Ok(self.process.host);
        }
        Host::of(ip).ok_or_else(|| ErrorKind::HostUnreachable.into())
    }

    async fn wait(&self, ns: u64) {
        until(&self.time, self.now_ns() + ns).await;
    }

    fn now_ns(&self) -> u64 {
        self.time.elapsed().as_nanos() as u64
    }

    async fn dial(&self, addr: SocketAddr) -> io::Result<SimStream> {
        let to = self.resolve(addr.ip())?;
        let config = self.handle.config();
        let give_up_ns = self.now_ns() + config.dial_timeout_ns;
        let mut retry_ns = config.dial_retry_ns;
        while self.now_ns() < give_up_ns {
            let next_ns = self.now_ns() + retry_ns;
            if let Some(connected) = self.attempt(to, addr.port()).await? {
                return Ok(connected);
            }
            until(&self.time, next_ns.min(give_up_ns)).await;
            retry_ns *= 2;
        }
        Err(ErrorKind::TimedOut.into())
    }

    /// One SYN. None when it, or the answer to it, is lost.
    async fn attempt(&self, to: Host, port: u16) -> io::Result<Option<SimStream>> {
        let syn = self.handle.with(|network, now_ns| network.dial(now_ns, self.process, to))?;
        let Syn::Travels(there_ns) = syn else { return Ok(None) };
        self.wait(there_ns).await;
        let answer =
            self.handle.with(|network, now_ns| network.answer(now_ns, self.process, to, port))?;
        match answer {
            Answer::Accepted(end, back_ns) => {
                let stream = self.stream(end);
                self.wait(back_ns).await;
                Ok(Some(stream))
            }
            Answer::Refused(back_ns) => {
                self.wait(back_ns).await;
                Err(ErrorKind::ConnectionRefused.into())
            }
            Answer::Vanishes => Ok(None),
        }
    }
}

impl platform::Net for SimNet {
    fn listen(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn platform::Listener>>> {
        Box::pin(async move {
            let port = self
                .handle
                .with(|network, now_ns| network.listen(now_ns, self.process, addr.port()))?;
            let listener = SimListener { net: self.clone(), port };
            Ok(Box::new(listener) as Box<dyn platform::Listener>)
        })
    }

    fn connect(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn platform::Stream>>> {
        Box::pin(async move {
            let stream = self.dial(addr).await?;
            Ok(Box::new(stream) as Box<dyn platform::Stream>)
        })
    }

    fn peer_message(&self, to: SocketAddr, message: Bytes) -> Vec<Bytes> {
        match self.resolve(to.ip()) {
            Ok(to) => self.handle.peer_message(self.process.host, to, message),
            Err(_) => vec![message],
        }
    }
}

/// A bound listener.
struct SimListener {
    net: SimNet,
    port: u16,
}

impl platform::Listener for SimListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn platform::Stream>, SocketAddr)>> {
        let SimListener { net, port } = self;
        Box::pin(poll_fn(move |cx| {
            let accepted =
                net.handle.with(|network, _| network.accept(net.process, *port, cx.waker()));
            accepted.map_ok(|(end, from)| {
                (Box::new(net.stream(end)) as Box<dyn platform::Stream>, from)
            })
        }))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::new(self.net.process.host.ip(), self.port))
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let by = self.net.process;
        self.net.handle.with(|network, now_ns| network.stop_listening(now_ns, by, self.port));
    }
}

/// One end of a connection.
struct SimStream {
    handle: NetHandle,
    time: TimeHandle,
    end: EndId,
    reading: Alarm,
    writing: Alarm,
}

impl AsyncRead for SimStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let SimStream { handle, time, end, reading, .. } = &mut *self;
        loop {
            let limit = buf.remaining();
            let read = handle.with(|network, now_ns| network.read(now_ns, *end, limit, cx.waker()));
            match read {
                Read::Bytes(bytes) => buf.put_slice(&bytes),
                Read::End => {}
                Read::Failed(kind) => return Poll::Ready(Err(kind.into())),
                Read::Wait(None) => return Poll::Pending,
                Read::Wait(Some(at_ns)) => match reading.poll(time, at_ns, cx).0 {
                    Poll::Ready(()) => continue,
                    Poll::Pending => return Poll::Pending,
                },
            }
            return Poll::Ready(Ok(()));
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let SimStream { handle, time, end, writing, .. } = &mut *self;
        loop {
            let written =
                handle.with(|network, now_ns| network.write(now_ns, *end, bytes, cx.waker()));
            match written {
                Write::Taken(len) => return Poll::Ready(Ok(len)),
                Write::Failed(kind) => return Poll::Ready(Err(kind.into())),
                Write::Wait(None) => return Poll::Pending,
                Write::Wait(Some(at_ns)) => match writing.poll(time, at_ns, cx).0 {
                    Poll::Ready(()) => {}
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            bytes.extend_from_slice(part);
        }
        self.poll_write(cx, &bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.handle.with(|network, now_ns| network.shut(now_ns, self.end));
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.handle.with(|network, now_ns| network.close(now_ns, self.end));
    }
}
