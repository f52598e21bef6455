//! Who belongs to the cluster. The membership is fixed at the start, so far: only MemberList answers.

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::cluster_server;
use tonic::{Request, Response, Status};

use super::Refusal;
use super::answer::header;
use crate::node::Handle;

/// The Cluster service of a member.
pub(super) struct Cluster {
    node: Handle,
}

impl Cluster {
    pub(super) fn new(node: Handle) -> Self {
        Cluster { node }
    }
}

#[tonic::async_trait]
impl cluster_server::Cluster for Cluster {
    async fn member_list(
        &self,
        request: Request<pb::MemberListRequest>,
    ) -> Result<Response<pb::MemberListResponse>, Status> {
        if request.into_inner().linearizable {
            self.node.read_index().await.map_err(Refusal::from)?;
        }
        let members = self.node.members().into_iter().map(|member| pb::Member {
            id: member.id,
            name: member.name,
            peer_urls: member.peer_urls,
            client_urls: member.client_urls,
            is_learner: member.is_learner,
        });
        // etcd's answers about the cluster carry no revision.
        let header = Some(header(&self.node, 0));
        Ok(Response::new(pb::MemberListResponse { header, members: members.collect() }))
    }

    async fn member_add(
        &self,
        _: Request<pb::MemberAddRequest>,
    ) -> Result<Response<pb::MemberAddResponse>, Status> {
        Err(Refusal::Unimplemented.into())
    }

    async fn member_remove(
        &self,
        _: Request<pb::MemberRemoveRequest>,
    ) -> Result<Response<pb::MemberRemoveResponse>, Status> {
        Err(Refusal::Unimplemented.into())
    }

    async fn member_update(
        &self,
        _: Request<pb::MemberUpdateRequest>,
    ) -> Result<Response<pb::MemberUpdateResponse>, Status> {
        Err(Refusal::Unimplemented.into())
    }

    async fn member_promote(
        &self,
        _: Request<pb::MemberPromoteRequest>,
    ) -> Result<Response<pb::MemberPromoteResponse>, Status> {
        Err(Refusal::Unimplemented.into())
    }
}
