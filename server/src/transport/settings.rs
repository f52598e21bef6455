//! How a connection is kept, by a server and by a channel.

use std::time::Duration;

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
