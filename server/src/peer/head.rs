//! The head of every stream between members: who speaks to whom, and in which format.

use bytes::Bytes;
use mettle_api::peer::{Frame, Head};
use tonic::{Code, Status};

use super::register::Beginning;
use super::seal::{crc_of_head, damaged};
use crate::consensus::types::NodeId;
use crate::identity::{Identity, Life};

/// Version of the payloads of peer streams; raised when their meaning changes.
///
/// 1: as commit 057aa02 spoke. 2: the head says the sender's life, commands carry a checksum.
const PEER_FORMAT_VERSION: u32 = 2;

/// The code of a refusal that is final: the peer takes the sender's disk for another one.
pub(super) const DISOWNED: Code = Code::PermissionDenied;

/// A member as it introduces itself: who, and how its life began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// Cluster and member.
    pub identity: Identity,
    /// The member's disk and process.
    pub beginning: Beginning,
}

/// The first frame of a stream from this member to `to`.
pub(super) fn head(own: Speaker, to: NodeId) -> Frame {
    Frame { head: Some(introduction(own, to)), payload: Bytes::new() }
}

/// Who speaks to whom.
pub(super) fn introduction(own: Speaker, to: NodeId) -> Head {
    let Speaker { identity, beginning: Beginning { life, term, last_index } } = own;
    let head = Head {
        format_version: PEER_FORMAT_VERSION,
        cluster_id: identity.cluster_id,
        from: identity.member_id,
        to,
        incarnation: life.incarnation,
        boot: life.boot,
        term,
        last_index,
        crc: 0,
    };
    Head { crc: crc_of_head(&head), ..head }
}

/// Takes the head of a stream and returns who speaks; refuses a stream meant for another member.
pub(super) fn accept(head: Head, own: Identity) -> Result<Speaker, Status> {
    let Head { format_version, cluster_id, from, to, incarnation, boot, term, last_index, crc } =
        head;
    if format_version != PEER_FORMAT_VERSION {
        return Err(Status::failed_precondition(format!(
            "peer format version {format_version}, but this member speaks {PEER_FORMAT_VERSION}: \
             let all members run the same program"
        )));
    }
    if crc != crc_of_head(&head) {
        return Err(damaged("head"));
    }
    let meant = Identity { cluster_id, member_id: to };
    if meant != own {
        return Err(Status::failed_precondition(format!("meant for {meant}, but this is {own}")));
    }
    let identity = Identity { cluster_id, member_id: from };
    let life = Life { incarnation, boot };
    Ok(Speaker { identity, beginning: Beginning { life, term, last_index } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Identity = Identity { cluster_id: 1, member_id: 3 };
    const SPEAKER: Speaker = Speaker {
        identity: Identity { cluster_id: 1, member_id: 2 },
        beginning: Beginning { life: Life { incarnation: 9, boot: 4 }, term: 5, last_index: 6 },
    };

    fn said(change: impl FnOnce(&mut Head)) -> Head {
        let mut said = head(SPEAKER, 3).head.expect("the first frame has a head");
        change(&mut said);
        Head { crc: crc_of_head(&said), ..said }
    }

    #[test]
    fn a_head_says_who_speaks_in_which_life() {
        assert_eq!(accept(said(|_| {}), OWN).expect("it is meant for this member"), SPEAKER);
    }

    #[test]
    fn older_and_newer_formats_are_refused_by_name() {
        for version in [1, 3] {
            let status = accept(said(|head| head.format_version = version), OWN).unwrap_err();
            let text = format!(
                "peer format version {version}, but this member speaks 2: \
                 let all members run the same program"
            );
            assert_eq!(status.message(), text);
        }
    }

    #[test]
    fn a_damaged_head_is_nobodys() {
        let damaged = Head { incarnation: 8, ..said(|_| {}) };
        let status = accept(damaged, OWN).unwrap_err();
        assert_eq!(status.code(), Code::DataLoss);
    }

    #[test]
    fn a_stream_for_another_member_or_cluster_is_refused() {
        assert!(accept(said(|head| head.to = 2), OWN).is_err());
        assert!(accept(said(|head| head.cluster_id = 2), OWN).is_err());
    }
}
