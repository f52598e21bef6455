//! Requests and answers of etcd's lease service, with its own field names.

use serde::{Deserialize, Serialize};

use super::{Blob, Header};

/// Asks for a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseGrantRequest {
    /// The id of the lease; 0 lets the server choose.
    #[serde(rename = "ID", skip_serializing_if = "super::is_default")]
    pub id: i64,
    /// The seconds that the lease lives without a renewal.
    #[serde(rename = "TTL")]
    pub ttl: i64,
}

/// The answer to a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseGrantResponse {
    /// The revision is the store's at the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The id of the lease.
    #[serde(rename = "ID")]
    pub id: i64,
    /// The seconds granted, which may exceed the seconds asked for; 0 if they were not recorded.
    #[serde(rename = "TTL")]
    pub ttl: i64,
}

/// Revokes or renews a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseRequest {
    /// The id of the lease.
    #[serde(rename = "ID")]
    pub id: i64,
}

/// The answer to a revocation; every key attached to the lease is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseRevokeResponse {
    /// The revision is the store's after the revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
}

/// The answer to one renewal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseKeepAliveResponse {
    /// The header of the member that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The lease.
    #[serde(rename = "ID")]
    pub id: i64,
    /// The seconds that the lease lives from now on; 0 if there is no such lease.
    #[serde(rename = "TTL")]
    pub ttl: i64,
}

/// Asks for the remaining time of a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseTimeToLiveRequest {
    /// The id of the lease.
    #[serde(rename = "ID")]
    pub id: i64,
    /// Ask for the attached keys too.
    #[serde(skip_serializing_if = "super::is_default")]
    pub keys: bool,
}

/// The remaining time of a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseTimeToLiveResponse {
    /// The header of the member that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The lease.
    #[serde(rename = "ID")]
    pub id: i64,
    /// The seconds left; -1 if there is no such lease.
    #[serde(rename = "TTL")]
    pub ttl: i64,
    /// The seconds granted.
    #[serde(rename = "grantedTTL", skip_serializing_if = "super::is_default")]
    pub granted_ttl: i64,
    /// The keys attached to the lease, in any order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Blob>,
}

/// Asks for the list of leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseLeasesRequest {}

/// The list of leases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseLeasesResponse {
    /// The header of the member that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The leases, in any order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<LeaseStatus>,
}

/// One lease of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseStatus {
    /// The id of the lease.
    #[serde(rename = "ID")]
    pub id: i64,
}
