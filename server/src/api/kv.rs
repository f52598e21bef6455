//! Range, Put, DeleteRange, Txn and Compact.

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::kv_server;
use prost::Message;
use tonic::{Request, Response, Status};

use super::convert::Answer;
use super::{Refusal, header, read, validate};
use crate::command::{Applied, Body, RangeRequest, RequestOp, TxnRequest, TxnResponse};
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
        if request.encoded_len() > self.node.config().max_request_bytes {
            return Err(Refusal::RequestTooLarge);
        }
        Ok(())
    }

    async fn propose(&self, body: Body) -> Result<Applied, Refusal> {
        Ok(self.node.propose(body).await??)
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
        match self.propose(Body::Txn(request)).await? {
            Applied::Txn(response) => Ok(response),
            other => unreachable!("a txn was answered by {other:?}"),
        }
    }
}

/// Whether a transaction does nothing but serializable reads. One that only compares does not
/// count: etcd takes it for serializable, which makes its answer a stale one.
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
        match self.propose(Body::Put(request.into())).await? {
            Applied::Put(put) => Ok(self.answer(put.revision, put)),
            other => unreachable!("a put was answered by {other:?}"),
        }
    }

    async fn delete_range(
        &self,
        request: Request<pb::DeleteRangeRequest>,
    ) -> Result<Response<pb::DeleteRangeResponse>, Status> {
        let request = request.into_inner();
        validate::delete_range(&request)?;
        self.bounded(&request)?;
        match self.propose(Body::DeleteRange(request.into())).await? {
            Applied::DeleteRange(deleted) => Ok(self.answer(deleted.revision, deleted)),
            other => unreachable!("a delete was answered by {other:?}"),
        }
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
        match self.propose(Body::Compact(request.into_inner().into())).await? {
            Applied::Compact(revision) => {
                let header = Some(header(&self.node, revision));
                Ok(Response::new(pb::CompactionResponse { header }))
            }
            other => unreachable!("a compaction was answered by {other:?}"),
        }
    }
}
