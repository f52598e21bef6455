//! gRPC over our own byte streams: tonic's codecs and hyper's HTTP/2, without tonic's transport.
//!
//! tonic's own transport arms real tokio timers and so cannot run in a simulated world. What it
//! would do is little, and lies here, the same source in both worlds:
//!
//! - [`Executor`] and [`Timer`] give hyper the runtime and the member's [`Clock`](crate::platform::Clock).
//! - [`serve`] accepts connections and serves a tower service on them. A broken connection ends
//!   alone; a failing `accept` is tried again.
//! - [`Channel`] is what a generated client calls: it connects when first asked, connects again
//!   when the connection is gone, and has one dial under way at a time.
//! - [`DeadlineLayer`] holds a whole RPC, response body included, to its `grpc-timeout`.
//! - [`LimitLayer`] refuses messages that are too large, in the words of grpc-go.
//!
//! # What was sent
//!
//! A channel **never sends a request twice**. A request that hyper hands back untouched (the
//! connection turned out to be dead before a byte of it was written) is tried on a new connection;
//! any other failure is the caller's to judge. When it is certain that the request never left, the
//! status says so: ask [`never_sent`]. All other failures may have happened after the server acted.

mod channel;
mod deadline;
mod error;
mod limit;
mod rt;
mod serve;

use std::time::Duration;

pub use channel::{Channel, Dial};
pub use deadline::{Deadline, DeadlineLayer, grpc_timeout};
pub use error::{NeverSent, never_sent};
pub use limit::{Limit, LimitLayer};
pub use rt::{Executor, Timer};
pub use serve::serve;

#[cfg(test)]
mod tests;

/// How a connection is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A ping goes out after so long without a frame; `None` sends none.
    pub keepalive_interval: Option<Duration>,
    /// The connection is dead when a ping has no answer for so long.
    pub keepalive_timeout: Duration,
    /// Streams a server takes at once on one connection.
    pub max_concurrent_streams: u32,
    /// Bytes in flight on one stream.
    pub stream_window_bytes: u32,
    /// Bytes in flight on one connection.
    pub connection_window_bytes: u32,
    /// How long a channel waits for a connection.
    pub connect_timeout: Duration,
    /// How long a server that stops lets running calls finish.
    pub drain_timeout: Duration,
}

impl Settings {
    /// Settings with this keepalive and windows that fill a link of 1 Gbit/s at 10 ms.
    pub const fn new(keepalive_interval: Option<Duration>, keepalive_timeout: Duration) -> Self {
        Settings {
            keepalive_interval,
            keepalive_timeout,
            max_concurrent_streams: u32::MAX,
            stream_window_bytes: 1 << 20,
            connection_window_bytes: 2 << 20,
            connect_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(1),
        }
    }

    /// What a server offers clients.
    ///
    /// # Source
    /// etcd's defaults of `--grpc-keepalive-interval` and `--grpc-keepalive-timeout`.
    pub const fn client_api() -> Self {
        Settings::new(Some(Duration::from_hours(2)), Duration::from_secs(20))
    }

    /// Between members, where a silent peer must be noticed within seconds.
    pub const fn peer() -> Self {
        Settings::new(Some(Duration::from_secs(2)), Duration::from_secs(3))
    }
}
