//! Requests and answers of etcd's lease service, with its own field names.

use serde::{Deserialize, Serialize};

use super::{Blob, Header};

/// Asks for a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseGrantRequest {
    /// Its number, 0 to let the server choose.
    #[serde(rename = "ID", skip_serializing_if = "super::is_default")]
    pub id: i64,
    /// For how many seconds.
    #[serde(rename = "TTL")]
    pub ttl: i64,
}

/// A lease was granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseGrantResponse {
    /// Of the store when it was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// Its number.
    #[serde(rename = "ID")]
    pub id: i64,
    /// For how many seconds, which may be more than were asked for; 0 if it was not recorded, and
    /// long enough.
    #[serde(rename = "TTL")]
    pub ttl: i64,
}

/// Ends a lease, or renews it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseRequest {
    /// Its number.
    #[serde(rename = "ID")]
    pub id: i64,
}

/// A lease was ended, and every key that hung on it is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseRevokeResponse {
    /// Of the store after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
}

/// The answer to one renewal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseKeepAliveResponse {
    /// Of the member that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The lease.
    #[serde(rename = "ID")]
    pub id: i64,
    /// For how many seconds from now on; 0 if there is no such lease.
    #[serde(rename = "TTL")]
    pub ttl: i64,
}

/// Asks how long a lease has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseTimeToLiveRequest {
    /// Its number.
    #[serde(rename = "ID")]
    pub id: i64,
    /// Also which keys hang on it.
    #[serde(skip_serializing_if = "super::is_default")]
    pub keys: bool,
}

/// How long a lease has left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseTimeToLiveResponse {
    /// Of the member that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The lease.
    #[serde(rename = "ID")]
    pub id: i64,
    /// How many seconds it has left; -1 if there is no such lease.
    #[serde(rename = "TTL")]
    pub ttl: i64,
    /// For how many seconds it was granted.
    #[serde(rename = "grantedTTL", skip_serializing_if = "super::is_default")]
    pub granted_ttl: i64,
    /// The keys that hang on it, in any order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Blob>,
}

/// Asks which leases there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseLeasesRequest {}

/// Which leases there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseLeasesResponse {
    /// Of the member that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// All of them, in any order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<LeaseStatus>,
}

/// One lease of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseStatus {
    /// Its number.
    #[serde(rename = "ID")]
    pub id: i64,
}
