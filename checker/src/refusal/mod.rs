//! Refusals and acceptances: what etcd must refuse is refused with etcd's code and text, and what is
//! refused earns its refusal.
//!
//! A request and its answer suffice for that: validation comes before the store. The refusals that
//! depend on the store (a revision, a kept key, a lease) are judged along the order of writes and
//! by the life of each lease; here only a request that names no such thing is asked.

mod reason;
#[cfg(test)]
mod tests;

use crate::cluster_settings::ClusterSettings;
use crate::history::{ErrorAnswer, Outcome, Record, Response, code_of};
use crate::model::{Invalid, validate};
use crate::verdict::{Check, Verdict, Violation};
use crate::words;

use reason::{Reason, reason};

/// The checker's name.
pub(crate) const REFUSAL: &str = "refusal";

/// Checks each operation by itself.
pub(crate) fn refusals<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    settings: &ClusterSettings,
) -> Check {
    let mut found = Found::default();
    let mut verdict = Verdict::Legal;
    for record in records {
        if let Some(violation) = found.look(record, settings)
            && verdict == Verdict::Legal
        {
            verdict = Verdict::Broken(violation);
        }
    }
    Check { name: REFUSAL, verdict, examined: found.examined }
}

/// What was looked at so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// The refusals, and the answers to requests that must be refused.
    pub(crate) examined: u64,
}

impl Found {
    /// Checks one record.
    pub(crate) fn look(
        &mut self,
        record: &Record,
        settings: &ClusterSettings,
    ) -> Option<Violation> {
        if !record.request.op().is_operation() {
            return None;
        }
        let reason = match (record.outcome, &record.response) {
            (Outcome::Ok, Some(_)) => self.accepted(record, settings),
            (Outcome::Fail, Some(Response::Error(error))) => self.refused(record, error, settings),
            _ => None,
        }?;
        let evidence = vec![record.id];
        Some(Violation { checker: REFUSAL, reason, evidence, revision: None })
    }

    fn accepted(&mut self, record: &Record, settings: &ClusterSettings) -> Option<String> {
        let invalid = validate(&record.request, settings).refused?;
        self.examined += 1;
        let (why, text) = (reason::why(invalid, settings), invalid.text());
        Some(format!(
            "{} was answered, but {why}: it had to be refused with \"{text}\"",
            words::describe(record)
        ))
    }

    fn refused(
        &mut self,
        record: &Record,
        error: &ErrorAnswer,
        settings: &ClusterSettings,
    ) -> Option<String> {
        // Another text is the recorder's own: the request was never sent.
        let code = code_of(&error.message)?;
        self.examined += 1;
        let asked = words::describe(record);
        let said = &error.message;
        if !error.code.is_empty() && error.code != code {
            return Some(format!(
                "{asked} was refused with \"{said}\" and the code {}, but etcd sends {code} with \
                 that text",
                error.code
            ));
        }
        let validity = validate(&record.request, settings);
        let because = match (reason(&record.request, said, settings), validity.refused) {
            (Reason::Invalid(given), refused) => {
                if refused == Some(given) || validity.perhaps.contains(&given) {
                    return None;
                }
                match refused {
                    Some(first) => instead(first, settings),
                    None => "nothing in the request earns that".to_owned(),
                }
            }
            // Whoever may not ask is told so before anything else.
            (Reason::Setting { believed: true, .. }, _) | (Reason::Store, None) => return None,
            (Reason::Setting { option, .. }, _) => {
                format!("such a refusal is not expected of this cluster; --believe {option} does")
            }
            (_, Some(first)) => instead(first, settings),
            (Reason::Nothing, None) => "the request asks for nothing of the kind".to_owned(),
        };
        Some(format!("{asked} was refused with \"{said}\", but {because}"))
    }
}

/// Another refusal comes first.
fn instead(first: Invalid, settings: &ClusterSettings) -> String {
    format!(
        "{}, and had to be refused with \"{}\" for that",
        reason::why(first, settings),
        first.text()
    )
}
