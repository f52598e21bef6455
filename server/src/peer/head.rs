//! The head of every stream between members: who speaks to whom, and in which format.

use bytes::Bytes;
use mettle_api::peer::{Frame, Head};
use tonic::Status;

use crate::consensus::types::NodeId;
use crate::identity::Identity;

/// Version of the payloads of peer streams; raised when their meaning changes.
const PEER_FORMAT_VERSION: u32 = 1;

/// The first frame of a stream from this member to `to`.
pub(super) fn head(identity: Identity, to: NodeId) -> Frame {
    Frame {
        head: Some(Head {
            format_version: PEER_FORMAT_VERSION,
            cluster_id: identity.cluster_id,
            from: identity.member_id,
            to,
        }),
        payload: Bytes::new(),
    }
}

/// Takes the head of a stream and returns who speaks; refuses a stream meant for another member.
pub(super) fn accept(head: Head, own: Identity) -> Result<NodeId, Status> {
    let Head { format_version, cluster_id, from, to } = head;
    if format_version != PEER_FORMAT_VERSION {
        return Err(Status::failed_precondition(format!(
            "peer format version {format_version}, but this member speaks {PEER_FORMAT_VERSION}"
        )));
    }
    let meant = Identity { cluster_id, member_id: to };
    if meant != own {
        return Err(Status::failed_precondition(format!("meant for {meant}, but this is {own}")));
    }
    Ok(from)
}
