//! Watch: a stream of wishes in, a stream of answers out, with the hub in between.
//!
//! Each poll of the answers takes at most one wish and gives at most one answer. So a client that
//! does not read is not read from either, which bounds what its own wishes can queue; and a flood
//! of events does not keep a wish waiting.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::watch_create_request::FilterType;
use mettle_api::etcdserverpb::watch_request::RequestUnion;
use mettle_api::etcdserverpb::watch_server;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::Refusal;
use super::answer::header;
use super::require_leader;
use crate::command::KeyRange;
use crate::node::Handle;
use crate::platform::BoxFuture;
use crate::probe;
use crate::watch::{StreamId, WatchBody, WatchRejected, WatchRequest, WatchResponse};

/// The Watch service of a member.
pub(super) struct Watch {
    node: Handle,
}

impl Watch {
    pub(super) fn new(node: Handle) -> Self {
        Watch { node }
    }
}

#[tonic::async_trait]
impl watch_server::Watch for Watch {
    type WatchStream = Answers;

    async fn watch(
        &self,
        request: Request<Streaming<pb::WatchRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let asks_for_leader = require_leader::asks(request.metadata().as_ref());
        let mut answers = Answers::open(self.node.clone(), request.into_inner());
        if asks_for_leader {
            answers.leader_lost = Some(Box::pin(require_leader::leader_lost(self.node.clone())));
        }
        Ok(Response::new(answers))
    }
}

/// The answers to one client, until the client hangs up.
pub(super) struct Answers {
    node: Handle,
    /// `None` when the client has said all it wants to say; it is told on nevertheless.
    wishes: Option<Streaming<pb::WatchRequest>>,
    stream: StreamId,
    woken: Arc<AtomicWaker>,
    /// Completes when nobody leads, for a client that asked for a leader.
    leader_lost: Option<BoxFuture<'static, ()>>,
}

impl Answers {
    fn open(node: Handle, wishes: Streaming<pb::WatchRequest>) -> Answers {
        let woken = Arc::new(AtomicWaker::new());
        let wake = woken.clone();
        let stream =
            node.hub().lock().expect("no holder panics").open(Box::new(move || wake.wake()));
        Answers { node, wishes: Some(wishes), stream, woken, leader_lost: None }
    }

    /// Takes the next wish, if one has come.
    fn poll_wish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let Some(wishes) = &mut self.wishes else { return Poll::Pending };
        match Pin::new(wishes).poll_next(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => self.wishes = None,
            Poll::Ready(Some(Err(status))) => return Poll::Ready(Err(status)),
            Poll::Ready(Some(Ok(wish))) => self.fulfil(wish),
        }
        Poll::Ready(Ok(()))
    }

    fn fulfil(&self, wish: pb::WatchRequest) {
        let mut hub = self.node.hub().lock().expect("no holder panics");
        match wish.request_union {
            Some(RequestUnion::CreateRequest(create)) => hub.create(self.stream, create.into()),
            Some(RequestUnion::CancelRequest(cancel)) => hub.cancel(self.stream, cancel.watch_id),
            Some(RequestUnion::ProgressRequest(_)) => hub.progress(self.stream),
            // etcd ignores what it does not know.
            None => {}
        }
        if hub.needs_sync() {
            self.node.wake_hub();
        }
    }

    fn next(&self) -> Option<pb::WatchResponse> {
        let mut hub = self.node.hub().lock().expect("no holder panics");
        let response = hub.next(self.stream)?;
        // The room it leaves may be what an unsynced watcher waits for.
        if hub.needs_sync() {
            self.node.wake_hub();
        }
        drop(hub);
        // As in etcd, which tells of compaction without a revision.
        let untold = matches!(response.body, WatchBody::Compacted(_));
        let revision = if untold { 0 } else { response.revision };
        Some(to_wire(header(&self.node, revision), response))
    }
}

impl Stream for Answers {
    type Item = Result<pb::WatchResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The waker is registered before the look, so that no response queued from now on is missed.
        self.woken.register(cx.waker());
        if let Some(lost) = &mut self.leader_lost
            && lost.as_mut().poll(cx).is_ready()
        {
            probe!("watch stream ended without a leader");
            self.leader_lost = None;
            return Poll::Ready(Some(Err(Refusal::NoLeader.into())));
        }
        loop {
            let wish = self.poll_wish(cx);
            if let Poll::Ready(Err(status)) = wish {
                return Poll::Ready(Some(Err(status)));
            }
            if let Some(response) = self.next() {
                return Poll::Ready(Some(Ok(response)));
            }
            if wish.is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.node.hub().lock().expect("no holder panics").close(self.stream);
    }
}

impl From<pb::WatchCreateRequest> for WatchRequest {
    /// An empty key means the smallest one; filters that do not exist are ignored, as in etcd.
    fn from(wire: pb::WatchCreateRequest) -> Self {
        let leave_out = |filter: FilterType| wire.filters.contains(&filter.into());
        let (no_put, no_delete) = (leave_out(FilterType::Noput), leave_out(FilterType::Nodelete));
        let key = if wire.key.is_empty() { Bytes::from_static(b"\0") } else { wire.key };
        WatchRequest {
            range: KeyRange { key, range_end: wire.range_end },
            start_revision: wire.start_revision,
            watch_id: wire.watch_id,
            progress_notify: wire.progress_notify,
            no_put,
            no_delete,
            prev_kv: wire.prev_kv,
            fragment: wire.fragment,
        }
    }
}

fn to_wire(header: pb::ResponseHeader, response: WatchResponse) -> pb::WatchResponse {
    let wire = pb::WatchResponse {
        header: Some(header),
        watch_id: response.watch_id,
        ..Default::default()
    };
    match response.body {
        WatchBody::Created => pb::WatchResponse { created: true, ..wire },
        WatchBody::Rejected(rejected) => pb::WatchResponse {
            created: true,
            canceled: true,
            cancel_reason: reason(rejected).to_owned(),
            ..wire
        },
        WatchBody::Canceled => pb::WatchResponse { canceled: true, ..wire },
        WatchBody::Compacted(compact_revision) => {
            pb::WatchResponse { canceled: true, compact_revision, ..wire }
        }
        WatchBody::Progress => wire,
        WatchBody::Events { events, fragment } => {
            let events = events.into_iter().map(Into::into).collect();
            pb::WatchResponse { events, fragment, ..wire }
        }
    }
}

/// # Source
/// etcd `mvcc/watcher.go`, `v3rpc/watch.go`.
fn reason(rejected: WatchRejected) -> &'static str {
    match rejected {
        WatchRejected::DuplicateId => "mvcc: duplicate watch ID provided on the WatchStream",
        WatchRejected::EmptyRange => "mvcc: watcher range is empty",
        WatchRejected::NegativeRevision => Refusal::Compacted.code_and_text().1,
    }
}
