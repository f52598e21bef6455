//! What the judge says: legal, broken with its evidence, or unknown with what ran out.

use serde::Serialize;

/// The name of what a recording must be to be judged at all.
pub(crate) const ASSUMPTIONS: &str = "assumptions";

/// The name of the check that one order explains every answer.
pub const LINEARIZABILITY: &str = "linearizability";

/// What a history must keep. All of them are rows of [`GUARANTEES`](crate::GUARANTEES).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// The name that a verdict carries.
    pub name: &'static str,
    /// What is asked, in a sentence.
    pub question: &'static str,
    /// Whether it is judged along the order of the writes, so that nothing can be said without one.
    pub needs_order: bool,
    /// Whether what breaks it breaks it whatever the store held before, where that was inferred.
    pub survives_inferred_start: bool,
}

/// The answer to "is this history legal?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Every guarantee that was looked at holds.
    Legal,
    /// A guarantee is broken.
    Broken(Violation),
    /// It cannot be said.
    Unknown(Doubt),
}

/// A broken guarantee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which check found it; the names are those of [`GUARANTEES`](crate::GUARANTEES).
    pub checker: &'static str,
    /// A sentence for people.
    pub reason: String,
    /// The ids of the records that contradict each other; the culprit first.
    pub evidence: Vec<u64>,
    /// Where in the order of writes, when there is such a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
}

/// A question that stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// Which check could not decide.
    pub checker: &'static str,
    /// A sentence for people: how far it came, what ran out.
    pub reason: String,
    /// The ids of the records in question.
    pub evidence: Vec<u64>,
}

impl Verdict {
    /// Broken, with what shows it.
    pub fn broken(checker: &'static str, reason: String, evidence: Vec<u64>) -> Self {
        Verdict::Broken(Violation { checker, reason, evidence, revision: None })
    }

    /// Not to be said, with why.
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

/// Everything that one judgement found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Broken if any check found it broken, else unknown if any could not say, else legal.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Each check and what it said by itself, in the order they ran.
    pub checks: Vec<Check>,
    /// How much there was to look at.
    pub figures: Figures,
    /// Which revisions writes of unknown outcome took in the order found: (revision, id).
    #[serde(skip)]
    pub placed: Vec<(i64, u64)>,
}

/// One check's own verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What it said.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How many operations, responses or events it looked at.
    pub examined: u64,
}

/// Counts that show whether a verdict rests on anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Operations answered.
    pub ok: u64,
    /// Operations that certainly did not happen.
    pub fail: u64,
    /// Operations with an unknown outcome.
    pub unknown: u64,
    /// Revisions replayed.
    pub revisions: i64,
    /// Unknown writes that evidence or search put at a revision.
    pub placed: u64,
    /// Steps taken, replay and search.
    pub steps: u64,
    /// Watchers.
    pub watchers: u64,
    /// Watch events.
    pub events: u64,
}
