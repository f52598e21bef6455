//! Refuses messages above a size as grpc-go does, from their heads: nothing of them is kept.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http::Request;
use http_body::{Body as _, Frame, SizeHint};
use tonic::{Status, body::Body};
use tower_service::Service;

/// A message on the wire begins with a byte for its compression and four for its length.
const HEAD: usize = 5;

/// Wraps services in [`Limit`].
#[derive(Clone, Copy, Debug)]
pub struct LimitLayer {
    max_bytes: usize,
}

impl LimitLayer {
    /// Takes messages of up to so many bytes.
    pub fn new(max_bytes: usize) -> Self {
        LimitLayer { max_bytes }
    }
}

impl<S> tower_layer::Layer<S> for LimitLayer {
    type Service = Limit<S>;

    fn layer(&self, inner: S) -> Limit<S> {
        Limit { inner, max_bytes: self.max_bytes }
    }
}

/// A service whose requests end with `ResourceExhausted` at the first message that is too large.
///
/// tonic has a limit of its own, which answers with another code (`OutOfRange`) and other words.
#[derive(Clone, Debug)]
pub struct Limit<S> {
    inner: S,
    max_bytes: usize,
}

impl<S> Service<Request<Body>> for Limit<S>
where
    S: Service<Request<Body>, Error = Infallible>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        let lengths = Lengths { max_bytes: self.max_bytes, head: 0, length: 0, left: 0 };
        self.inner.call(request.map(|body| {
            if body.is_end_stream() {
                body
            } else {
                Body::new(Limited { body, lengths, over: false })
            }
        }))
    }
}

/// The refusal of a message, in the words of grpc-go.
///
/// # Source
/// grpc-go `rpc_util.go`, `recvMsg`.
fn too_large(length: usize, max_bytes: usize) -> Status {
    Status::resource_exhausted(format!(
        "grpc: received message larger than max ({length} vs. {max_bytes})"
    ))
}

/// Follows the messages in a stream of bytes that is cut anywhere.
struct Lengths {
    max_bytes: usize,
    /// How much of a head was seen, and of its length.
    head: usize,
    length: usize,
    /// What is to come of the message behind it.
    left: usize,
}

impl Lengths {
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Status> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let inside = self.left.min(bytes.len());
                bytes.advance(inside);
                self.left -= inside;
                continue;
            }
            let byte = bytes.get_u8();
            // The first byte is the flag of compression; shifted out, it does not count.
            self.length = if self.head == 0 { 0 } else { self.length << 8 | usize::from(byte) };
            self.head += 1;
            if self.head == HEAD {
                if self.length > self.max_bytes {
                    return Err(too_large(self.length, self.max_bytes));
                }
                (self.head, self.left) = (0, self.length);
            }
        }
        Ok(())
    }
}

/// A body that ends with an error at the head of a message that is too large.
struct Limited {
    body: Body,
    lengths: Lengths,
    over: bool,
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
            && let Err(status) = self.lengths.take(bytes)
        {
            self.over = true;
            return Poll::Ready(Some(Err(status)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let head = u32::try_from(length).unwrap().to_be_bytes();
        // Contents that look like heads of very large messages.
        [&[0][..], &head, &vec![0xff; length]].concat()
    }

    #[test]
    fn the_first_message_above_the_limit_is_refused_however_the_bytes_are_cut() {
        let fits = [message(3), message(0), message(7), message(7)].concat();
        let bytes = [fits.clone(), message(8), message(1)].concat();
        for cut in 1..bytes.len() {
            let mut lengths = Lengths { max_bytes: 7, head: 0, length: 0, left: 0 };
            let mut taken = 0;
            let end = bytes.chunks(cut).try_for_each(|chunk| {
                taken += chunk.len();
                lengths.take(chunk)
            });
            let status = end.unwrap_err();
            assert_eq!(status.code(), tonic::Code::ResourceExhausted);
            let text = "grpc: received message larger than max (8 vs. 7)";
            assert_eq!(status.message(), text);
            let head_ends = fits.len() + HEAD;
            assert_eq!(taken, bytes.len().min(head_ends.div_ceil(cut) * cut), "cut {cut}");
        }
    }

    #[test]
    fn a_compressed_message_has_the_same_limit() {
        let mut bytes = message(9);
        bytes[0] = 1;
        let mut lengths = Lengths { max_bytes: 9, head: 0, length: 0, left: 0 };
        lengths.take(&bytes).unwrap();
        lengths.max_bytes = 8;
        assert!(lengths.take(&bytes).is_err());
    }
}
