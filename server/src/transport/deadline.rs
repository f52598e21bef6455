//! Holds a call to its `grpc-timeout`, from the request's head to the last byte of the response.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use tonic::{Status, body::Body};
use tower_service::Service;

use crate::platform::{BoxFuture, Clock, Sleep};

/// The text of a call that ran out of time.
const TEXT: &str = "context deadline exceeded";

/// The time a caller gives its call.
///
/// # Source
/// gRPC over HTTP/2, `Timeout`: up to 8 digits and a unit.
pub fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

/// Wraps services in [`Deadline`].
#[derive(Clone)]
pub struct DeadlineLayer {
    clock: Arc<dyn Clock>,
}

impl DeadlineLayer {
    /// Deadlines by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        DeadlineLayer { clock }
    }
}

impl<S> tower_layer::Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, clock: self.clock.clone() }
    }
}

/// A service that answers `DeadlineExceeded`, and drops the work, when the caller's time is over.
#[derive(Clone)]
pub struct Deadline<S> {
    inner: S,
    clock: Arc<dyn Clock>,
}

impl<S, B> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let limit = grpc_timeout(request.headers());
        let work = self.inner.call(request);
        let Some(limit) = limit else { return Box::pin(work) };
        let mut timer = self.clock.sleep(limit);
        Box::pin(async move {
            tokio::select! {
                biased;
                response = work => response.map(|response| hold(response, timer)),
                () = &mut timer => Ok(exceeded().into_http()),
            }
        })
    }
}

/// The status of a call that ran out of time.
pub(super) fn exceeded() -> Status {
    Status::deadline_exceeded(TEXT)
}

/// Holds a response's body to what is left of the time.
pub(super) fn hold(response: Response<Body>, timer: Pin<Box<dyn Sleep>>) -> Response<Body> {
    response.map(|body| {
        if body.is_end_stream() { body } else { Body::new(Held { body, timer, over: false }) }
    })
}

/// A body that ends with the status in its trailers when the time is over.
struct Held {
    body: Body,
    timer: Pin<Box<dyn Sleep>>,
    over: bool,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.over = true;
        // Dropping the real body ends the work behind it.
        self.body = Body::empty();
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(match exceeded().add_header(&mut trailers) {
            Ok(()) => Ok(Frame::trailers(trailers)),
            Err(status) => Err(status),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // The trailers may come early, so only an upper bound would be true.
        SizeHint::default()
    }
}
