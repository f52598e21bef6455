//! Questions to a member that are no operations: the history has no record of them.

use std::time::Duration;

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::cluster_client::ClusterClient;
use mettle_api::etcdserverpb::maintenance_client::MaintenanceClient;
use mettle_api::health::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};
use tonic::Status;

use super::{Client, timed};
use crate::member::Member;

impl Client {
    /// Asks a member for its hash at a revision.
    pub async fn hash_kv(
        &self,
        member: Member,
        revision: i64,
        deadline_ns: u64,
    ) -> Result<pb::HashKvResponse, Status> {
        let mut maintenance = MaintenanceClient::new(self.channel(member));
        let asked = timed(pb::HashKvRequest { revision }, Duration::from_nanos(deadline_ns));
        Ok(maintenance.hash_kv(asked).await?.into_inner())
    }

    /// Asks a member how it stands.
    pub async fn status(
        &self,
        member: Member,
        deadline_ns: u64,
    ) -> Result<pb::StatusResponse, Status> {
        let mut maintenance = MaintenanceClient::new(self.channel(member));
        let asked = timed(pb::StatusRequest {}, Duration::from_nanos(deadline_ns));
        Ok(maintenance.status(asked).await?.into_inner())
    }

    /// Asks a member who belongs to the cluster, by its own state or by the quorum's.
    pub async fn member_list(
        &self,
        member: Member,
        linearizable: bool,
        deadline_ns: u64,
    ) -> Result<pb::MemberListResponse, Status> {
        let mut cluster = ClusterClient::new(self.channel(member));
        let asked =
            timed(pb::MemberListRequest { linearizable }, Duration::from_nanos(deadline_ns));
        Ok(cluster.member_list(asked).await?.into_inner())
    }

    /// Asks a member whether it serves.
    pub async fn health(
        &self,
        member: Member,
        deadline_ns: u64,
    ) -> Result<HealthCheckResponse, Status> {
        let mut health = HealthClient::new(self.channel(member));
        let whole = HealthCheckRequest { service: String::new() };
        Ok(health.check(timed(whole, Duration::from_nanos(deadline_ns))).await?.into_inner())
    }
}
