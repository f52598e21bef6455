//! What clients met in a run, counted by name: kinds of operations, refusals, rare answers to
//! watchers. What a whole sweep never met was not tried.

use std::collections::BTreeMap;

use mettle_checker::history::{Outcome, REFUSALS, Record, Response, WatchResponse};

/// Counts what was met. A name that can be met and was not has no entry.
pub(crate) fn seen(records: &[Record]) -> BTreeMap<String, u64> {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut met = |name: String| *seen.entry(name).or_default() += 1;
    for record in records {
        let op = record.request.op();
        if op.is_operation() && record.outcome == Outcome::Ok {
            met(format!("op {}", op.name()));
        }
        match &record.response {
            Some(Response::Error(error)) if record.outcome == Outcome::Fail => {
                let known = REFUSALS.iter().any(|(_, text)| *text == error.message);
                met(if known { refusal(&error.message) } else { "never sent".to_owned() });
            }
            Some(Response::Watch(response)) => {
                for name in answers(response) {
                    met(name.to_owned());
                }
            }
            _ => {}
        }
    }
    seen
}

/// The name of a refusal.
pub(crate) fn refusal(text: &str) -> String {
    format!("refused {text}")
}

/// The rare answers to watchers, by name.
pub(crate) const ANSWERS: [&str; 4] =
    ["watch fragment", "watch compacted", "watch refused", "watch progress"];

fn answers(response: &WatchResponse) -> Vec<&'static str> {
    let quiet = response.events.is_empty() && !response.created && !response.canceled;
    let met = [
        response.fragment,
        response.canceled && response.compact_revision != 0,
        response.created && response.canceled && response.compact_revision == 0,
        quiet && !response.fragment,
    ];
    ANSWERS.into_iter().zip(met).filter(|(_, met)| *met).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use mettle_checker::history::{ErrorAnswer, OnStream, PutRequest, PutResponse, Request};

    use super::*;

    #[test]
    fn what_is_met_is_counted_by_name() {
        let put = |id| Record::called(id, id, 1, 1, Request::Put(PutRequest::default()));
        let error =
            |message: &str| ErrorAnswer { code: String::new(), message: message.to_owned() };
        let on = OnStream { id: 4, process: 1, member: 1, at_ns: 1, stream: 1 };
        let part = WatchResponse { fragment: true, ..WatchResponse::default() };
        let records = [
            put(1).ok(2, Response::Put(PutResponse::default())),
            put(2).failed(2, error("etcdserver: key is not provided")),
            put(3).failed(2, error("no connection")),
            Record::watch_response(on, part),
            put(5).unknown(error("etcdserver: request timed out")),
        ];
        let seen: Vec<(String, u64)> = seen(&records).into_iter().collect();
        let expected =
            ["never sent", "op put", "refused etcdserver: key is not provided", "watch fragment"];
        assert_eq!(seen, expected.map(|name| (name.to_owned(), 1)));
    }
}
