//! A broken lease guarantee, with the records that prove it.

use super::LEASE;
use crate::history::Record;
use crate::verdict::Violation;

/// The result of a check.
pub(super) type Checked = Result<(), Violation>;

pub(super) fn wrong(reason: String, evidence: &[&Record]) -> Checked {
    let revision = evidence.first().and_then(|record| record.response.as_ref()?.header());
    Err(Violation {
        checker: LEASE,
        reason,
        evidence: evidence.iter().map(|record| record.id).collect(),
        revision: revision.map(|header| header.revision),
    })
}
