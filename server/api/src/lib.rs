//! Protocol buffers of etcd v3, of gRPC health and of the peer transport, with their generated code.
//!
//! Field numbers and names are those of the real protos, so that any etcd client understands us;
//! `bytes` fields are [`bytes::Bytes`](prost::bytes::Bytes). The code is made at build time from
//! `proto/`; servers and clients both.

/// `etcdserverpb`: the services of etcd and their messages.
#[allow(missing_docs, clippy::pedantic, reason = "generated code")]
pub mod etcdserverpb {
    tonic::include_proto!("etcdserverpb");
}

/// `mvccpb`: keys, values and events.
#[allow(missing_docs, clippy::pedantic, reason = "generated code")]
pub mod mvccpb {
    tonic::include_proto!("mvccpb");
}

/// `authpb`: users, roles and permissions.
#[allow(missing_docs, clippy::pedantic, reason = "generated code")]
pub mod authpb {
    tonic::include_proto!("authpb");
}

/// `grpc.health.v1`: whether a server is serving.
#[allow(missing_docs, clippy::pedantic, reason = "generated code")]
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}

/// `mettle.peer.v1`: how members speak to each other.
#[allow(missing_docs, clippy::pedantic, reason = "generated code")]
pub mod peer {
    tonic::include_proto!("mettle.peer.v1");
}
