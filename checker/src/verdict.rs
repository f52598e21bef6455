//! Verdicts: legal, broken with evidence, or unknown with the limit that was reached.

use serde::Serialize;

/// The name of the check that a recording does not contradict itself.
pub(crate) const ASSUMPTIONS: &str = "assumptions";

/// The name of the check that one order explains every answer.
pub const LINEARIZABILITY: &str = "linearizability";

/// A guarantee that a history must keep. All guarantees are rows of
/// [`GUARANTEES`](crate::GUARANTEES).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// The name in verdicts.
    pub name: &'static str,
    /// The question that the check answers.
    pub question: &'static str,
    /// Whether the check runs along the order of writes and says nothing without one.
    pub needs_order: bool,
    /// Whether a violation holds for every initial store, if the initial store was inferred.
    pub survives_inferred_start: bool,
}

/// The answer to "is this history legal?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Every guarantee that was checked holds.
    Legal,
    /// A guarantee is broken.
    Broken(Violation),
    /// The check could not decide.
    Unknown(Doubt),
}

/// A broken guarantee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The check that found it, by its name in [`GUARANTEES`](crate::GUARANTEES).
    pub checker: &'static str,
    /// The sentence for users.
    pub reason: String,
    /// The ids of the records that contradict each other, the culprit first.
    pub evidence: Vec<u64>,
    /// The revision of the violation, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
}

/// A question that stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// The check that could not decide.
    pub checker: &'static str,
    /// The sentence for users: how far the check came, and which limit it reached.
    pub reason: String,
    /// The ids of the records in question.
    pub evidence: Vec<u64>,
}

impl Verdict {
    /// A broken verdict with its evidence.
    pub fn broken(checker: &'static str, reason: String, evidence: Vec<u64>) -> Self {
        Verdict::Broken(Violation { checker, reason, evidence, revision: None })
    }

    /// An unknown verdict with its reason.
    pub fn unknown(checker: &'static str, reason: String, evidence: Vec<u64>) -> Self {
        Verdict::Unknown(Doubt { checker, reason, evidence })
    }

    /// `legal`, `broken` or `unknown`.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Legal => "legal",
            Verdict::Broken(_) => "broken",
            Verdict::Unknown(_) => "unknown",
        }
    }
}

/// The result of one judgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Broken if any check is broken, otherwise unknown if any is unknown, otherwise legal.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The verdict of each check, in the order in which the checks ran.
    pub checks: Vec<Check>,
    /// The amount of evidence.
    pub figures: Figures,
    /// The revisions of the placed indeterminate writes, as (revision, id).
    #[serde(skip)]
    pub placed: Vec<(i64, u64)>,
}

/// The verdict of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The name of the check.
    pub name: &'static str,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The number of operations, responses or events that the check examined.
    pub examined: u64,
}

/// Counts that show whether a verdict rests on any evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Operations answered.
    pub ok: u64,
    /// Operations that certainly did not take effect.
    pub fail: u64,
    /// Indeterminate operations.
    pub unknown: u64,
    /// Revisions replayed.
    pub revisions: i64,
    /// Indeterminate writes that evidence or search assigned to a revision.
    pub placed: u64,
    /// Steps of replay and search.
    pub steps: u64,
    /// Watchers.
    pub watchers: u64,
    /// Watch events.
    pub events: u64,
}
