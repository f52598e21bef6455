//! The health protocol of gRPC: a member that answers is serving.

use std::pin::Pin;

use futures_util::stream;
use mettle_api::health::health_check_response::ServingStatus;
use mettle_api::health::{HealthCheckRequest, HealthCheckResponse, health_server};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::Refusal;

/// The Health service of a member.
pub(super) struct Health;

/// The server as a whole is asked for by the empty name; parts of it are not known.
fn known(request: &HealthCheckRequest) -> bool {
    request.service.is_empty()
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
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    /// Tells the status at once, and stays open since it does not change while the member lives.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let status = if known(request.get_ref()) {
            ServingStatus::Serving
        } else {
            ServingStatus::ServiceUnknown
        };
        let now = stream::once(async move { Ok(HealthCheckResponse { status: status.into() }) });
        Ok(Response::new(Box::pin(now.chain(stream::pending()))))
    }
}
