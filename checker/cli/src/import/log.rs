//! One event of a log of calls and returns, from any recorder.

/// A call or the end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) line: u64,
    pub(super) process: i64,
    pub(super) kind: Kind,
    /// `read`, `write`, `cas`, `get`, `put`, `append`.
    pub(super) name: String,
    pub(super) key: Option<String>,
    pub(super) value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

impl Kind {
    pub(super) fn named(word: &str) -> Option<Kind> {
        match word {
            "invoke" => Some(Kind::Invoke),
            "ok" => Some(Kind::Ok),
            "fail" => Some(Kind::Fail),
            "info" => Some(Kind::Info),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Nil,
    Number(i64),
    Pair(i64, i64),
    Text(String),
    /// `[KEY VALUE]` of jepsen.independent; two numbers stay a [`Value::Pair`] until the operation
    /// is known.
    Keyed(String, Box<Value>),
    /// `:timed-out` and similar words.
    Other,
}
