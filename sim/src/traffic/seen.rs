//! What one client has seen of the store: the ground for its compares and its reads of the past.

use std::collections::BTreeMap;

use mettle_checker::history::{
    Blob, Compare, CompareResult, KeyValue, Operand, PlainAnswer, Response, TxnResponse,
};

use crate::stream::Stream;

/// The store as one client has seen it.
#[derive(Debug, Default)]
pub struct Seen {
    keys: BTreeMap<Blob, KeyValue>,
    revision: i64,
    compacted: i64,
}

impl Seen {
    /// Takes in an answer.
    pub fn hear(&mut self, response: &Response) {
        let header = match response {
            Response::Range(answer) => {
                self.keys(&answer.kvs);
                answer.header
            }
            Response::Put(answer) => {
                self.keys(answer.prev_kv.as_slice());
                answer.header
            }
            Response::DeleteRange(answer) => {
                for kv in &answer.prev_kvs {
                    self.keys.remove(&kv.key);
                }
                answer.header
            }
            Response::Txn(answer) => {
                self.txn(answer);
                answer.header
            }
            Response::Watch(_) | Response::Error(_) => None,
            other => other.header(),
        };
        if let Some(header) = header {
            self.revision = self.revision.max(header.revision);
        }
    }

    /// Takes in that history below `revision` may be gone.
    pub fn hear_compacted(&mut self, revision: i64) {
        self.compacted = self.compacted.max(revision);
    }

    /// Highest revision seen.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Highest revision known compacted.
    pub fn compacted(&self) -> i64 {
        self.compacted
    }

    /// A revision that can probably still be read, at least 1; recent ones are likelier.
    pub fn a_revision(&self, stream: &mut Stream) -> i64 {
        let high = self.revision.max(1);
        let low = self.compacted.clamp(1, high);
        let back = stream.below((high - low + 1) as u64);
        let back = stream.below(back + 1);
        high - back as i64
    }

    /// The condition that a key is as this client saw it last.
    pub fn unchanged(&self, key: &Blob) -> Compare {
        let operand = match self.keys.get(key) {
            Some(kv) => Operand::ModRevision(kv.mod_revision),
            None => Operand::CreateRevision(0),
        };
        Compare {
            key: key.clone(),
            range_end: Blob::default(),
            result: CompareResult::Equal,
            operand,
        }
    }

    /// How this client saw a key last.
    pub fn key(&self, key: &Blob) -> Option<&KeyValue> {
        self.keys.get(key)
    }

    fn keys(&mut self, kvs: &[KeyValue]) {
        for kv in kvs {
            let newer = self.keys.get(&kv.key).is_none_or(|old| old.mod_revision < kv.mod_revision);
            if newer {
                self.keys.insert(kv.key.clone(), kv.clone());
            }
        }
    }

    fn txn(&mut self, answer: &TxnResponse) {
        for operation in answer.answers() {
            match operation {
                PlainAnswer::Range(answer) => self.keys(&answer.kvs),
                PlainAnswer::Put(answer) => self.keys(answer.prev_kv.as_slice()),
                PlainAnswer::DeleteRange(answer) => self.keys(&answer.prev_kvs),
            }
        }
    }
}
