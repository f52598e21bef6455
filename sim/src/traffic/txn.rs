//! Transactions: compares of every kind, branches of several operations, at times one inside another.

use std::collections::BTreeSet;

use mettle_checker::history::{
    Blob, Compare, CompareResult, DeleteRangeRequest, Operand, PutRequest, RangeRequest, RequestOp,
    TxnRequest,
};

use super::Draw;

impl Draw<'_> {
    /// A transaction; a few are malformed on purpose, to hear the refusal.
    pub(super) fn txn(&mut self) -> TxnRequest {
        let mut txn = self.txn_at(0, &mut BTreeSet::new(), &mut BTreeSet::new());
        if self.percent(1)
            && let Some(RequestOp::Put(put)) = txn.success.first().cloned()
        {
            txn.success.push(RequestOp::Put(put));
        }
        txn
    }

    /// `then` and `otherwise` hold the keys already written by each outer branch: no key may be
    /// written twice in one execution, which etcd refuses.
    fn txn_at(
        &mut self,
        depth: u32,
        then: &mut BTreeSet<u32>,
        otherwise: &mut BTreeSet<u32>,
    ) -> TxnRequest {
        let compares = self.stream.below(3);
        let compare = (0..compares).map(|_| self.compare()).collect();
        let operations = 1 + self.stream.below(4);
        let success = (0..operations).filter_map(|_| self.operation(depth, then)).collect();
        let operations = self.stream.below(3);
        let failure = (0..operations).filter_map(|_| self.operation(depth, otherwise)).collect();
        TxnRequest { compare, success, failure }
    }

    pub(super) fn compare(&mut self) -> Compare {
        let key = self.key();
        let seen = self.seen.key(&key).cloned();
        let near = |number: i64, draw: &mut Self| match draw.stream.below(4) {
            0 => number + 1,
            _ => number,
        };
        let operand = match self.stream.below(5) {
            0 => Operand::Version(near(seen.map_or(0, |kv| kv.version), self)),
            1 => Operand::CreateRevision(near(seen.map_or(0, |kv| kv.create_revision), self)),
            2 => Operand::ModRevision(near(seen.map_or(0, |kv| kv.mod_revision), self)),
            3 => Operand::Value(seen.map_or_else(|| Blob::from("1"), |kv| kv.value)),
            _ => Operand::Lease(0),
        };
        let result = match self.stream.below(6) {
            0 => CompareResult::Greater,
            1 => CompareResult::Less,
            2 => CompareResult::NotEqual,
            _ => CompareResult::Equal,
        };
        let range_end = if self.percent(8) {
            let count = self.keys.count();
            self.keys.name(count / 2 + self.stream.below(count.into()) as u32)
        } else {
            Blob::default()
        };
        Compare { key, range_end, result, operand }
    }

    fn operation(&mut self, depth: u32, written: &mut BTreeSet<u32>) -> Option<RequestOp> {
        match self.stream.below(10) {
            0..=3 => self.unwritten(written).map(|key| self.put_in(key)),
            4 | 5 => self.unwritten(written).map(|key| {
                RequestOp::DeleteRange(DeleteRangeRequest {
                    key: self.keys.name(key),
                    range_end: Blob::default(),
                    prev_kv: self.percent(40),
                })
            }),
            6 => self.delete_between(written),
            7 if depth < 2 => {
                let mut otherwise = written.clone();
                let inner = self.txn_at(depth + 1, written, &mut otherwise);
                written.append(&mut otherwise);
                Some(RequestOp::Txn(inner))
            }
            8 => Some(RequestOp::Range(self.range())),
            _ => {
                let key = self.key();
                Some(RequestOp::Range(RangeRequest { key, ..RangeRequest::default() }))
            }
        }
    }

    fn put_in(&mut self, key: u32) -> RequestOp {
        RequestOp::Put(PutRequest {
            key: self.keys.name(key),
            value: self.values.next(),
            prev_kv: self.percent(30),
            ..PutRequest::default()
        })
    }

    /// A range of keys none of which is written elsewhere in the branch.
    fn delete_between(&mut self, written: &mut BTreeSet<u32>) -> Option<RequestOp> {
        let first = self.key_number();
        let end = first + 1 + self.stream.below(4) as u32;
        let prev_kv = self.percent(40);
        if written.range(first..end).next().is_some() {
            return None;
        }
        written.extend(first..end);
        Some(RequestOp::DeleteRange(DeleteRangeRequest {
            key: self.keys.name(first),
            range_end: self.keys.name(end),
            prev_kv,
        }))
    }

    fn unwritten(&mut self, written: &mut BTreeSet<u32>) -> Option<u32> {
        let key = self.key_number();
        written.insert(key).then_some(key)
    }
}
