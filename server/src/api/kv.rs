//! Range, Put, DeleteRange, Txn and Compact.

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::kv_server;
use prost::Message;
use prost::encoding::encoded_len_varint;
use tonic::{Request, Response, Status};

use super::answer::{header, read};
use super::convert::Answer;
use super::{Refusal, validate};
use crate::command::{
    CompactRequest, DeleteRangeRequest, Proposable, PutRequest, RangeRequest, RequestOp,
    TxnRequest, TxnResponse,
};
use crate::node::Handle;

/// The KV service of a member.
pub(super) struct Kv {
    node: Handle,
}

impl Kv {
    pub(super) fn new(node: Handle) -> Self {
        Kv { node }
    }

    fn bounded(&self, request: &impl Message) -> Result<(), Refusal> {
        let member_id = self.node.identity().member_id;
        if proposed_len(request, member_id) > self.node.config().max_request_bytes {
            return Err(Refusal::RequestTooLarge);
        }
        Ok(())
    }

    async fn propose<R: Proposable>(&self, request: R) -> Result<R::Answer, Refusal> {
        Ok(self.node.propose(request).await??)
    }

    fn answer<A: Answer>(&self, revision: i64, answer: A) -> Response<A::Wire> {
        Response::new(answer.under(header(&self.node, revision)))
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse, Refusal> {
        if request.is_read_only() {
            if !reads_locally(&request) {
                self.node.read_index().await?;
            }
            return read(&self.node, move |store| store.read_txn(&request)).await;
        }
        self.propose(request).await
    }
}

/// How many bytes etcd would propose for a request: it bounds those and not the request's own, so
/// that a value of exactly the limit is too large by a few bytes, for clients of either.
///
/// # Source
/// etcd `raft_internal.proto` (`InternalRaftRequest` with `header` 100 and, below 16, the request),
/// `v3_server.go` `processInternalRaftRequestOnce`, `pkg/idutil`.
fn proposed_len(request: &impl Message, member_id: u64) -> usize {
    // The id of a proposal: 16 bits of the member's, then a time, whose length is what it is now.
    let id = (member_id & 0xffff) << 48 | 1 << 47;
    let header = 2 + 1 + 1 + encoded_len_varint(id);
    let len = request.encoded_len();
    header + 1 + encoded_len_varint(len as u64) + len
}

/// Whether a transaction does nothing but serializable reads. A transaction that only compares waits
/// for a read index all the same; etcd takes such a transaction for serializable, and may answer from
/// old state.
fn reads_locally(request: &TxnRequest) -> bool {
    let mut ops = request.success.iter().chain(&request.failure).peekable();
    ops.peek().is_some() && ops.all(|op| matches!(op, RequestOp::Range(r) if r.serializable))
}

#[tonic::async_trait]
impl kv_server::Kv for Kv {
    async fn range(
        &self,
        request: Request<pb::RangeRequest>,
    ) -> Result<Response<pb::RangeResponse>, Status> {
        let request = request.into_inner();
        validate::range(&request)?;
        let request = RangeRequest::try_from(request)?;
        if !request.serializable {
            self.node.read_index().await.map_err(Refusal::from)?;
        }
        let found = read(&self.node, move |store| store.range(&request)).await?;
        Ok(self.answer(found.revision, found))
    }

    async fn put(
        &self,
        request: Request<pb::PutRequest>,
    ) -> Result<Response<pb::PutResponse>, Status> {
        let request = request.into_inner();
        validate::put(&request)?;
        self.bounded(&request)?;
        let put = self.propose(PutRequest::from(request)).await?;
        Ok(self.answer(put.revision, put))
    }

    async fn delete_range(
        &self,
        request: Request<pb::DeleteRangeRequest>,
    ) -> Result<Response<pb::DeleteRangeResponse>, Status> {
        let request = request.into_inner();
        validate::delete_range(&request)?;
        self.bounded(&request)?;
        let deleted = self.propose(DeleteRangeRequest::from(request)).await?;
        Ok(self.answer(deleted.revision, deleted))
    }

    async fn txn(
        &self,
        request: Request<pb::TxnRequest>,
    ) -> Result<Response<pb::TxnResponse>, Status> {
        let request = request.into_inner();
        validate::txn(&request, self.node.config().max_txn_ops)?;
        self.bounded(&request)?;
        let response = Kv::txn(self, request.try_into()?).await?;
        Ok(self.answer(response.revision, response))
    }

    async fn compact(
        &self,
        request: Request<pb::CompactionRequest>,
    ) -> Result<Response<pb::CompactionResponse>, Status> {
        let revision = self.propose(CompactRequest::from(request.into_inner())).await?;
        let header = Some(header(&self.node, revision));
        Ok(Response::new(pb::CompactionResponse { header }))
    }
}
