//! The accept loop: HTTP/2 on every connection, until whoever serves lets go of the future.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::sync::oneshot;
use tonic::body::Body;
use tower_service::Service;

use super::{Executor, Settings, Timer, error};
use crate::platform::{Clock, Listener, Stream};

/// The first pause after a failed `accept`; it doubles up to [`ACCEPT_PAUSE_MAX`].
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(5);
/// The longest pause after a failed `accept` (no descriptors left, say).
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Serves `service` on every connection that arrives. Never returns.
///
/// Drop the future to stop: nothing more is accepted, connections are told to go away, and calls
/// that still run have [`Settings::drain_timeout`] to finish.
pub async fn serve<S>(
    mut listener: Box<dyn Listener>,
    service: S,
    clock: Arc<dyn Clock>,
    settings: Settings,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let (_open, stopped) = oneshot::channel::<()>();
    let stopped = stopped.shared();
    let mut pause = ACCEPT_PAUSE_MIN;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                pause = ACCEPT_PAUSE_MIN;
                let service = FromWire(service.clone());
                let connection =
                    one(stream, service, clock.clone(), settings.clone(), stopped.clone());
                tokio::spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                clock.sleep(pause).await;
                pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
            }
        }
    }
}

async fn one<S>(
    stream: Box<dyn Stream>,
    service: S,
    clock: Arc<dyn Clock>,
    settings: Settings,
    stopped: Shared<oneshot::Receiver<()>>,
) where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let connection = hyper::server::conn::http2::Builder::new(Executor)
        .timer(Timer::new(clock.clone()))
        .auto_date_header(false)
        .keep_alive_interval(settings.keepalive_interval)
        .keep_alive_timeout(settings.keepalive_timeout)
        .max_concurrent_streams(settings.max_concurrent_streams)
        .initial_stream_window_size(settings.stream_window_bytes)
        .initial_connection_window_size(settings.connection_window_bytes)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        _ = stopped => {
            connection.as_mut().graceful_shutdown();
            let drained = clock.sleep(settings.drain_timeout);
            tokio::select! {
                biased;
                ended = &mut connection => ended,
                () = drained => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = error::chain(&error), "connection ended");
    }
}

/// Gives a service the body of a request as tonic knows it, its errors as statuses.
#[derive(Clone)]
struct FromWire<S>(S);

impl<S: Service<Request<Body>>> Service<Request<Incoming>> for FromWire<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> S::Future {
        self.0.call(request.map(|body| Body::new(body.map_err(|e| error::status(&e)))))
    }
}
