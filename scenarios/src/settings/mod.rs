//! The settings of a run, each in one file: its keys, their defaults and ranges, their draw.
//!
//! A setting is generic over a [`Value`]: with [`Draw`](crate::time::Draw) it stands in a scenario,
//! its times and numbers still to be drawn; with `u64` (nanoseconds) it stands in a plan. `read` takes it from a
//! scenario file, `draw` makes the one of the other.

mod cluster;
mod disk;
mod floor;
mod latency;
mod limits;
mod network;
mod service;
mod traffic;
mod value;

pub use cluster::ClusterSettings;
pub use disk::{DiskSettings, Keep, TornFiles, Unsynced};
pub use floor::{Count, Floor, FloorRule};
pub use latency::Latency;
pub use limits::LimitSettings;
pub use network::NetworkSettings;
pub use service::ServiceSettings;
pub use traffic::{
    Calls, KeyShape, KeySpace, LONGEST_VALUE, OpWeights, Traffic, Values, WatchSettings,
};
pub use value::{Keyed, Random, Value, wide};

pub(crate) use cluster::Cluster;
