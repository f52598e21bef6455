//! The health protocol of gRPC: a member serves while somebody leads and the member keeps up.

use std::pin::Pin;

use futures_util::stream;
use mettle_api::health::health_check_response::ServingStatus;
use mettle_api::health::{HealthCheckRequest, HealthCheckResponse, health_server};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::Refusal;
use crate::node::Handle;

/// The Health service of a member.
pub(super) struct Health {
    node: Handle,
}

impl Health {
    pub(super) fn new(node: Handle) -> Self {
        Health { node }
    }
}

/// The server as a whole is asked for by the empty name; parts of it are not known.
fn known(request: &HealthCheckRequest) -> bool {
    request.service.is_empty()
}

fn response(serves: bool) -> HealthCheckResponse {
    let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !known(request.get_ref()) {
            return Err(Refusal::UnknownService.into());
        }
        let serves = *self.node.serves().borrow();
        Ok(Response::new(response(serves)))
    }

    /// Tells the status at once, and each change of it.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if !known(request.get_ref()) {
            let status = ServingStatus::ServiceUnknown.into();
            let now = stream::once(async move { Ok(HealthCheckResponse { status }) });
            return Ok(Response::new(Box::pin(now.chain(stream::pending()))));
        }
        let mut serves = self.node.serves();
        serves.mark_changed();
        let told = stream::unfold(serves, async |mut serves| {
            serves.changed().await.ok()?;
            let now = *serves.borrow_and_update();
            Some((Ok(response(now)), serves))
        });
        Ok(Response::new(Box::pin(told)))
    }
}
