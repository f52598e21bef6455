//! gRPC over our own byte streams: tonic's codecs and hyper's HTTP/2, without tonic's transport.
//!
//! tonic's own transport arms real tokio timers and so cannot run in a simulated world. The
//! replacement is the same source in both worlds:
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
mod settings;

pub use channel::{Channel, Dial};
pub use deadline::{Deadline, DeadlineLayer, grpc_timeout};
pub use error::{NeverSent, never_sent};
pub use limit::{Limit, LimitLayer};
pub use rt::{Executor, Timer};
pub use serve::serve;
pub use settings::Settings;

#[cfg(test)]
mod tests;
