//! The gRPC services of etcd, one file each: the only rooms that know protobuf.
//!
//! A request walks through them in four steps: the wire's message becomes a type of
//! [`command`](crate::command) (`convert`), what etcd refuses before it asks the cluster is refused
//! here (`validate`), the [node](crate::node::Handle) proposes or confirms a read index, and the answer
//! goes back with a header of `{cluster_id, member_id, revision, raft_term}`. Whatever is not an
//! answer is a [`Refusal`], and `status` is the one table that gives it a code and etcd's exact text.
//!
//! - **Range** and a Txn that only reads wait for a read index and then read the local store;
//!   serializable ones read it at once. All other changes are proposed.
//! - **Watch** is a stream of requests and a stream of answers over the hub of the `watch` room.
//! - Leases and auth are not served yet: a call to them is answered `Unimplemented`.

mod answer;
mod cluster;
mod convert;
mod health;
mod kv;
mod maintenance;
mod require_leader;
mod status;
mod validate;
mod watch;

use http::Uri;
use mettle_api::etcdserverpb::cluster_server::ClusterServer;
use mettle_api::etcdserverpb::kv_server::KvServer;
use mettle_api::etcdserverpb::maintenance_server::MaintenanceServer;
use mettle_api::etcdserverpb::watch_server::WatchServer;
use mettle_api::health::health_server::HealthServer;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower_layer::Layer as _;

use crate::node::Handle;
use crate::transport::{Deadline, DeadlineLayer, Limit, LimitLayer};

pub use require_leader::RequireLeader;
pub use status::Refusal;

/// What a message on the wire may have beyond [`Config::max_request_bytes`].
///
/// # Source
/// etcd `grpcOverheadBytes`.
///
/// [`Config::max_request_bytes`]: crate::config::Config::max_request_bytes
const OVERHEAD_BYTES: usize = 512 << 10;

/// All services of a member, each call held to its deadline and to a size.
pub fn routes(node: &Handle) -> Deadline<RequireLeader<Limit<Routes>>> {
    // The layer refuses before tonic would, whose own limit has other words.
    let limit = node.config().max_request_bytes.saturating_add(OVERHEAD_BYTES);
    let kv = KvServer::new(kv::Kv::new(node.clone())).max_decoding_message_size(limit);
    let watch = WatchServer::new(watch::Watch::new(node.clone())).max_decoding_message_size(limit);
    let cluster = ClusterServer::new(cluster::Cluster::new(node.clone()));
    let maintenance = MaintenanceServer::new(maintenance::Maintenance::new(node.clone()));
    let health = HealthServer::new(health::Health::new(node.clone()));
    let routes = Routes::new(kv)
        .add_service(watch)
        .add_service(cluster.max_decoding_message_size(limit))
        .add_service(maintenance.max_decoding_message_size(limit))
        .add_service(health.max_decoding_message_size(limit))
        .into_axum_router()
        .fallback(async |uri: Uri| unserved(uri.path()).into_http::<Body>());
    let routes = Routes::from(routes).prepare();
    let routes = LimitLayer::new(limit).layer(routes);
    let routes = RequireLeader::new(routes, node.clone());
    DeadlineLayer::new(node.platform().clock.clone()).layer(routes)
}

/// The refusal of a service that is not built, in the words of grpc-go.
///
/// # Source
/// grpc-go `server.go`, `handleStream`.
fn unserved(path: &str) -> Status {
    let service = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    Status::unimplemented(format!("unknown service {service}"))
}
