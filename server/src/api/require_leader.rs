//! `hasleader`: who asks for a leader is refused while there is none, and told when it is gone.
//!
//! # Source
//! etcd `v3rpc/interceptor.go`: unary calls and new streams are refused at once, open streams end after
//! three looks, an election timeout apart, that found no leader.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

use super::Refusal;
use crate::node::Handle;
use crate::platform::BoxFuture;

/// Looks that find no leader before a stream ends.
const LOOKS: u32 = 3;

/// Whether a call asks for a leader (clientv3's `WithRequireLeader`).
pub(super) fn asks(headers: &HeaderMap) -> bool {
    headers.get("hasleader").is_some_and(|value| value == "true")
}

/// Completes when nobody has led for some time.
pub(super) async fn leader_lost(node: Handle) {
    let mut looks = 0;
    while looks < LOOKS {
        node.platform().clock.sleep(node.config().election_timeout).await;
        looks = if node.status().leader == 0 { looks + 1 } else { 0 };
    }
}

/// Refuses calls that ask for a leader while there is none.
#[derive(Clone)]
pub struct RequireLeader<S> {
    inner: S,
    node: Handle,
}

impl<S> RequireLeader<S> {
    pub(super) fn new(inner: S, node: Handle) -> Self {
        RequireLeader { inner, node }
    }
}

impl<S> Service<Request<Body>> for RequireLeader<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if asks(request.headers()) && self.node.status().leader == 0 {
            let refusal = Status::from(Refusal::NoLeader).into_http();
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        Box::pin(self.inner.call(request))
    }
}
