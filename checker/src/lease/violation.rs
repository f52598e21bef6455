//! A broken promise about a lease, with the records that show it.

use super::LEASE;
use crate::history::Record;
use crate::verdict::Violation;

/// Nothing, or what is wrong.
pub(super) type Found = Result<(), Violation>;

pub(super) fn wrong(reason: String, evidence: &[&Record]) -> Found {
    let revision = evidence.first().and_then(|record| record.response.as_ref()?.header());
    Err(Violation {
        checker: LEASE,
        reason,
        evidence: evidence.iter().map(|record| record.id).collect(),
        revision: revision.map(|header| header.revision),
    })
}
