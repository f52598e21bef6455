//! What the services share: the header of an answer, and reading the store for one.

use mettle_api::etcdserverpb::ResponseHeader;

use super::status::Refusal;
use crate::mvcc::{Applies, Store};
use crate::node::Handle;
use crate::node::event::Event;
use crate::platform::blocking;

/// The header of an answer that speaks of this revision.
pub(super) fn header(node: &Handle, revision: i64) -> ResponseHeader {
    let identity = node.identity();
    ResponseHeader {
        cluster_id: identity.cluster_id,
        member_id: identity.member_id,
        revision,
        raft_term: node.status().term,
    }
}

/// Reads the store where storage work is done. A store that cannot be trusted stops the member.
pub(super) async fn read<T: Send + 'static>(
    node: &Handle,
    work: impl FnOnce(&Store) -> Applies<T> + Send + 'static,
) -> Result<T, Refusal> {
    let store = node.store();
    match blocking(&node.platform().disk, move || work(&store)).await {
        Ok(answer) => Ok(answer?),
        Err(error) => {
            let _ = node.shared().inbox.send(Event::Fatal(error.into())).await;
            Err(Refusal::Stopped)
        }
    }
}
