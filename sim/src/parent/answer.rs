//! What a child tells its parent: one line of JSON on standard output.

use mettle_reports::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// How a child's run ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It was judged.
    Judged(Box<Verdict>),
    /// The harness failed: nothing is known of the cluster.
    Harness {
        /// What happened.
        reason: String,
        /// The last lines of the trace, when they help.
        trace: Vec<String>,
    },
}
