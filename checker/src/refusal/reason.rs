//! For each text of the closed table: what would be a reason for it.

use crate::cluster_settings::ClusterSettings;
use crate::history::{PlainOp, Request};
use crate::model::{Invalid, Refusal};

/// What a refusal rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// On the request alone.
    Invalid(Invalid),
    /// On a setting of the cluster, and whether the cluster has it.
    Setting { option: &'static str, believed: bool },
    /// On the store or a lease, which other checks know.
    Store,
    /// The request cannot have such a reason.
    Nothing,
}

/// The reason that a text of the closed table stands for, on such a request.
pub(super) fn reason(request: &Request, text: &str, settings: &ClusterSettings) -> Reason {
    let invalid = Invalid::ALL.into_iter().find(|invalid| invalid.text() == text);
    if let Some(invalid) = invalid {
        return Reason::Invalid(invalid);
    }
    let if_so = |holds: bool| if holds { Reason::Store } else { Reason::Nothing };
    match text {
        text if text == Refusal::KeyNotFound.text() => if_so(keeps(request)),
        text if text == Refusal::LeaseNotFound.text() => if_so(names_lease(request)),
        "etcdserver: lease already exists" => {
            if_so(matches!(request, Request::LeaseGrant(grant) if grant.id != 0))
        }
        "etcdserver: mvcc: database space exceeded" if writes(request) => {
            Reason::Setting { option: "quota", believed: settings.quota }
        }
        "etcdserver: mvcc: database space exceeded" | "etcdserver: invalid sort option" => {
            Reason::Nothing
        }
        "etcdserver: permission denied"
        | "etcdserver: user name is empty"
        | "etcdserver: invalid auth token" => {
            Reason::Setting { option: "auth", believed: settings.auth }
        }
        "etcdserver: corrupt cluster" => {
            Reason::Setting { option: "corrupt", believed: settings.corrupt }
        }
        // The order of writes decides about revisions.
        _ => Reason::Store,
    }
}

/// Whether a put of the request keeps a value or a lease.
fn keeps(request: &Request) -> bool {
    request.ops().any(|op| match op {
        PlainOp::Put(put) => put.ignore_value || put.ignore_lease,
        _ => false,
    })
}

fn names_lease(request: &Request) -> bool {
    request.op().is_lease() || request.lease_puts().next().is_some()
}

/// Whether etcd asks for the quota before it takes the request.
fn writes(request: &Request) -> bool {
    matches!(request, Request::Put(_) | Request::Txn(_) | Request::LeaseGrant(_))
}

/// What is wrong with a request, for the middle of a sentence.
pub(super) fn why(invalid: Invalid, settings: &ClusterSettings) -> String {
    match invalid {
        Invalid::EmptyKey => "one of its keys is empty".to_owned(),
        Invalid::ValueProvided => "it brings a value and asks to keep the present one".to_owned(),
        Invalid::LeaseProvided => "it brings a lease and asks to keep the present one".to_owned(),
        Invalid::TooManyOps => {
            format!("it has more than {} operations", settings.max_txn_ops)
        }
        Invalid::DuplicateKey => "it changes a key twice".to_owned(),
        Invalid::TooLarge => {
            format!("it has more than {} bytes", settings.max_request_bytes)
        }
        Invalid::TtlTooLarge => "it asks for a longer life than etcd gives".to_owned(),
    }
}
