//! Describes a field that differs from the model's answer.

use super::short;
use crate::model::{Mismatch, Scope};

/// The mismatch after "was answered": `with value v5 of /a, but must be v7`.
pub(crate) fn mismatch(mismatch: &Mismatch) -> String {
    let Mismatch { field, scope, .. } = mismatch;
    let (expected, got) = &clipped(visible(&mismatch.expected), visible(&mismatch.got));
    let last = field.rsplit('.').next().unwrap_or(field);
    let inside = match field.strip_prefix("responses[") {
        Some(rest) => {
            let place = rest.split(']').next().and_then(|place| place.parse::<usize>().ok());
            place.map_or_else(String::new, |place| format!(" in its operation {}", place + 1))
        }
        None => String::new(),
    };
    let of = match scope {
        Scope::Key(key) => format!(" of {}", short(key)),
        Scope::Request | Scope::Nothing => String::new(),
    };
    let before = if field.contains("prev_kv") { "the previous " } else { "" };
    if last == "response" {
        return match got.as_str() {
            "an answer" if expected.starts_with("etcdserver:") => {
                format!("with success, but had to be refused with \"{expected}\"")
            }
            "an answer" => format!("as if it changed nothing, but it must be {expected}"),
            _ => format!("with {got}, but must be {expected}"),
        };
    }
    if got == "another" {
        return format!("with an answer of another kind{inside}");
    }
    if got == "a key twice" {
        return format!("with {got}{inside}");
    }
    if last == "succeeded" {
        let held = if expected == "true" { "held" } else { "did not hold" };
        return format!("with \"succeeded\" {got}{inside}, but its conditions {held}");
    }
    if last == "deleted" {
        let deletions = if got == "1" { "deletion" } else { "deletions" };
        return format!("with {got} {deletions}{inside}, but must be {expected}");
    }
    if last == "length" && (field.ends_with("responses.length")) {
        return format!("with answers to {got} operations{inside}, but must be {expected}");
    }
    if expected == "absent" {
        return format!("with {before}{got}{inside}, which must be absent");
    }
    if got == "absent" || got == "without it" {
        return format!("without {before}{expected}{inside}");
    }
    if last.starts_with("kvs") || last.starts_with("prev_kv") {
        return format!("with {before}{got}{inside}, but must be {expected}");
    }
    if last == "length" {
        let keys = if got == "1" { "key" } else { "keys" };
        return format!("with {got} {before}{keys}{inside}, but must be {expected}");
    }
    let name = match last {
        "more" => "\"more\"",
        "revision" => "revision",
        name => name,
    };
    format!("with {before}{name} {got}{of}{inside}, but must be {expected}")
}

/// An empty text is quoted.
fn visible(text: &str) -> &str {
    if text.is_empty() { "\"\"" } else { text }
}

/// Cuts long texts to the part that differs.
fn clipped(expected: &str, got: &str) -> (String, String) {
    const MOST: usize = 80;
    const BEFORE: usize = 12;
    let long = |text: &str| text.chars().nth(MOST).is_some();
    if !long(expected) && !long(got) {
        return (expected.to_owned(), got.to_owned());
    }
    let same = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(BEFORE);
    let part = |text: &str| {
        let left = if from > 0 { "…" } else { "" };
        let shown: String = text.chars().skip(from).take(MOST).collect();
        let right = if text.chars().nth(from + MOST).is_some() { "…" } else { "" };
        format!("{left}{shown}{right}")
    };
    (part(expected), part(got))
}
