//! What a generated client calls: one connection, made when first needed and again when it is gone.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::TokioIo;
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

use super::{Executor, Settings, Timer, deadline, error};
use crate::platform::{BoxFuture, Clock, Net, timeout};

/// How often a request that hyper hands back untouched is tried on a new connection.
const UNTOUCHED_RETRIES_MAX: u32 = 2;

/// A connection to one address, shared by its clones. See the module for what it promises.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

/// The connection that an answer came on, by its number among those of its channel; among the
/// extensions of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial(pub u64);

struct Inner {
    net: Arc<dyn Net>,
    clock: Arc<dyn Clock>,
    to: SocketAddr,
    authority: Authority,
    settings: Settings,
    state: Mutex<State>,
    dial: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    connection: Option<SendRequest<Body>>,
    /// Dials that have ended. All callers that waited for a dial share its failure.
    dials: u64,
    failure: Option<Status>,
}

impl Channel {
    /// A channel to `to`. Nothing is connected before the first call.
    pub fn new(
        net: Arc<dyn Net>,
        clock: Arc<dyn Clock>,
        to: SocketAddr,
        settings: Settings,
    ) -> Channel {
        let authority = to.to_string().parse().expect("a socket address is an authority");
        let state = Mutex::new(State::default());
        let dial = tokio::sync::Mutex::new(());
        Channel(Arc::new(Inner { net, clock, to, authority, settings, state, dial }))
    }

    /// Where it leads.
    pub fn to(&self) -> SocketAddr {
        self.0.to
    }

    async fn send(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let Some(limit) = deadline::grpc_timeout(request.headers()) else {
            return self.0.send(request, &AtomicBool::new(false)).await;
        };
        let mut timer = self.0.clock.sleep(limit);
        let handed_over = AtomicBool::new(false);
        tokio::select! {
            biased;
            response = self.0.send(request, &handed_over) => {
                response.map(|response| deadline::hold(response, timer))
            }
            () = &mut timer => {
                let status = deadline::exceeded();
                let sent = handed_over.load(Ordering::Relaxed);
                Err(if sent { status } else { error::mark_never_sent(status) })
            }
        }
    }
}

impl Inner {
    /// Sends on a live connection; `handed_over` is set as long as hyper holds the request.
    async fn send(
        &self,
        mut request: Request<Body>,
        handed_over: &AtomicBool,
    ) -> Result<Response<Body>, Status> {
        self.address(&mut request);
        let mut retries = 0;
        loop {
            let (mut connection, dial) = self.connection().await.map_err(error::mark_never_sent)?;
            handed_over.store(true, Ordering::Relaxed);
            let mut failed = match connection.try_send_request(request).await {
                Ok(response) => {
                    let mut response = response.map(from_wire);
                    response.extensions_mut().insert(Dial(dial));
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            let Some(untouched) = failed.take_message() else {
                return Err(error::status(&failed.into_error()));
            };
            handed_over.store(false, Ordering::Relaxed);
            self.forget(dial);
            if retries == UNTOUCHED_RETRIES_MAX {
                return Err(error::mark_never_sent(error::status(&failed.into_error())));
            }
            retries += 1;
            request = untouched;
        }
    }

    /// Generated clients made without an origin leave scheme and authority out.
    fn address(&self, request: &mut Request<Body>) {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme.get_or_insert(Scheme::HTTP);
        parts.authority.get_or_insert_with(|| self.authority.clone());
        parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from_parts(parts).expect("all three parts are there");
        *request.version_mut() = Version::HTTP_2;
    }

    /// The live connection and the dial that made it, or else how many dials there were.
    fn live(&self) -> Result<(SendRequest<Body>, u64), u64> {
        let state = self.state.lock().expect("no holder panics");
        let live = state.connection.as_ref().filter(|connection| !connection.is_closed());
        live.map(|connection| (connection.clone(), state.dials)).ok_or(state.dials)
    }

    /// Drops the connection of this dial: `is_closed` lags behind its end.
    fn forget(&self, dial: u64) {
        let mut state = self.state.lock().expect("no holder panics");
        if state.dials == dial {
            state.connection = None;
        }
    }

    async fn connection(&self) -> Result<(SendRequest<Body>, u64), Status> {
        let dials = match self.live() {
            Ok(live) => return Ok(live),
            Err(dials) => dials,
        };
        let _one_dial = self.dial.lock().await;
        match self.live() {
            Ok(live) => return Ok(live),
            Err(now) if now != dials => {
                let state = self.state.lock().expect("no holder panics");
                if let Some(failure) = &state.failure {
                    return Err(failure.clone());
                }
            }
            Err(_) => {}
        }
        let dialled = self.connect().await;
        let mut state = self.state.lock().expect("no holder panics");
        state.dials += 1;
        state.connection = dialled.as_ref().ok().cloned();
        state.failure = dialled.as_ref().err().cloned();
        dialled.map(|connection| (connection, state.dials))
    }

    async fn connect(&self) -> Result<SendRequest<Body>, Status> {
        let failed = |why: &dyn std::fmt::Display| {
            Status::unavailable(format!("connect to {}: {why}", self.to))
        };
        let stream =
            timeout(&*self.clock, self.settings.connect_timeout, self.net.connect(self.to))
                .await
                .map_err(|_| failed(&"timed out"))?
                .map_err(|error| failed(&error))?;
        let (sender, connection) = hyper::client::conn::http2::Builder::new(Executor)
            .timer(Timer::new(self.clock.clone()))
            .keep_alive_interval(self.settings.keepalive_interval)
            .keep_alive_timeout(self.settings.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(self.settings.stream_window_bytes)
            .initial_connection_window_size(self.settings.connection_window_bytes)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error::chain(&error)))?;
        let to = self.to;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%to, error = error::chain(&error), "connection ended");
            }
        });
        Ok(sender)
    }
}

fn from_wire(body: hyper::body::Incoming) -> Body {
    Body::new(body.map_err(|e| error::status(&e)))
}

impl Service<Request<Body>> for Channel {
    // tonic's own body, since an intercepted client wants one that has a default.
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
