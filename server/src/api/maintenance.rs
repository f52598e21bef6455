//! How a member stands: Status, Hash and HashKV. The other calls are not done yet.

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::maintenance_server;
use tokio_stream::Empty;
use tonic::{Request, Response, Status};

use super::Refusal;
use super::answer::{header, read};
use crate::node::Handle;

/// The version of etcd whose API this server speaks, as Maintenance.Status tells it.
///
/// Kubernetes asks for progress of a watch only from 3.5.13 on, and for streamed ranges from 3.7 on.
const ETCD_VERSION: &str = "3.6.0";

/// The Maintenance service of a member.
pub(super) struct Maintenance {
    node: Handle,
}

impl Maintenance {
    pub(super) fn new(node: Handle) -> Self {
        Maintenance { node }
    }
}

#[tonic::async_trait]
impl maintenance_server::Maintenance for Maintenance {
    type SnapshotStream = Empty<Result<pb::SnapshotResponse, Status>>;

    async fn status(
        &self,
        _: Request<pb::StatusRequest>,
    ) -> Result<Response<pb::StatusResponse>, Status> {
        let status = self.node.status();
        let store = self.node.store();
        let mut errors = Vec::new();
        if status.leader == 0 {
            errors.push(Refusal::NoLeader.code_and_text().1.to_owned());
        }
        let own = self.node.identity().member_id;
        Ok(Response::new(pb::StatusResponse {
            header: Some(header(&self.node, store.revision())),
            version: ETCD_VERSION.to_owned(),
            db_size: store.size() as i64,
            leader: status.leader,
            raft_index: status.commit_index,
            raft_term: status.term,
            raft_applied_index: status.applied_index,
            errors,
            db_size_in_use: store.size_in_use() as i64,
            is_learner: self.node.members().iter().any(|m| m.id == own && m.is_learner),
            storage_version: String::new(),
            db_size_quota: self.node.config().quota_backend_bytes as i64,
            downgrade_info: None,
        }))
    }

    async fn hash(
        &self,
        _: Request<pb::HashRequest>,
    ) -> Result<Response<pb::HashResponse>, Status> {
        let state = read(&self.node, |store| store.state_hash().map(Ok)).await?;
        let header = Some(header(&self.node, state.revision));
        Ok(Response::new(pb::HashResponse { header, hash: state.hash }))
    }

    async fn hash_kv(
        &self,
        request: Request<pb::HashKvRequest>,
    ) -> Result<Response<pb::HashKvResponse>, Status> {
        let revision = request.into_inner().revision;
        let found = read(&self.node, move |store| store.hash_kv(revision)).await?;
        Ok(Response::new(pb::HashKvResponse {
            header: Some(header(&self.node, found.revision)),
            hash: found.hash,
            compact_revision: found.compact_revision,
            hash_revision: found.hash_revision,
        }))
    }

    async fn alarm(
        &self,
        _: Request<pb::AlarmRequest>,
    ) -> Result<Response<pb::AlarmResponse>, Status> {
        Err(Refusal::Unimplemented.into())
    }

    async fn defragment(
        &self,
        _: Request<pb::DefragmentRequest>,
    ) -> Result<Response<pb::DefragmentResponse>, Status> {
        Err(Refusal::Unimplemented.into())
    }

    async fn snapshot(
        &self,
        _: Request<pb::SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        Err(Refusal::Unimplemented.into())
    }

    async fn move_leader(
        &self,
        _: Request<pb::MoveLeaderRequest>,
    ) -> Result<Response<pb::MoveLeaderResponse>, Status> {
        Err(Refusal::Unimplemented.into())
    }

    async fn downgrade(
        &self,
        _: Request<pb::DowngradeRequest>,
    ) -> Result<Response<pb::DowngradeResponse>, Status> {
        Err(Refusal::Unimplemented.into())
    }
}
