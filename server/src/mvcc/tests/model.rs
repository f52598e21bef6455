//! The store as simply as it can be said: a map of all keys for every revision.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::command::*;
use crate::mvcc::{Changes, Event, EventKind};

type Keys = BTreeMap<Bytes, KeyValue>;

#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// By revision; 0 is there to make the numbers fit.
    states: Vec<Keys>,
    pub(crate) changes: Vec<Changes>,
    pub(crate) compacted: i64,
}

/// A request under way.
struct Run<'m> {
    model: &'m Model,
    keys: Keys,
    events: Vec<Event>,
}

impl Model {
    pub(crate) fn new() -> Model {
        Model { states: vec![Keys::new(); 2], changes: Vec::new(), compacted: -1 }
    }

    pub(crate) fn revision(&self) -> i64 {
        self.states.len() as i64 - 1
    }

    fn run(&self) -> Run<'_> {
        Run { model: self, keys: self.states.last().unwrap().clone(), events: Vec::new() }
    }

    pub(crate) fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Rejected> {
        self.run().range(request)
    }

    pub(crate) fn read_txn(&self, request: &TxnRequest) -> Result<TxnResponse, Rejected> {
        let mut run = self.run();
        run.txn(request)
    }

    pub(crate) fn apply(&mut self, body: &Body) -> Result<Applied, Rejected> {
        if let Body::Compact(request) = body {
            if request.revision <= self.compacted {
                return Err(Rejected::Compacted);
            } else if request.revision > self.revision() {
                return Err(Rejected::FutureRevision);
            }
            self.compacted = request.revision;
            return Ok(Applied::Compact(self.revision()));
        }
        let mut run = self.run();
        let applied = match body {
            Body::Put(request) => {
                if request.lease != 0 {
                    return Err(Rejected::LeaseNotFound);
                }
                run.check_put(request)?;
                Applied::Put(run.put(request))
            }
            Body::DeleteRange(request) => Applied::DeleteRange(run.delete(request)),
            Body::Txn(request) => Applied::Txn(run.txn(request)?),
            Body::Publish(_) => Applied::Publish(()),
            Body::Compact(_) => unreachable!(),
        };
        let Run { keys, events, .. } = run;
        if !events.is_empty() {
            self.states.push(keys);
            self.changes.push((self.revision(), events));
        }
        Ok(applied)
    }

    /// What a watcher from `from` on would be told of, when that is not compacted.
    pub(crate) fn events(&self, range: &KeyRange, from: i64) -> Vec<Changes> {
        let wanted = |(revision, events): &Changes| {
            let mut events = events.clone();
            events.retain(|event| range.contains(&event.kv.key));
            for event in &mut events {
                event.prev_kv.take_if(|_| *revision <= self.compacted);
            }
            (*revision >= from && !events.is_empty()).then_some((*revision, events))
        };
        self.changes.iter().filter_map(wanted).collect()
    }
}

impl Run<'_> {
    fn revision(&self) -> i64 {
        self.model.revision() + i64::from(!self.events.is_empty())
    }

    fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Rejected> {
        let mut revision = request.revision;
        if revision <= 0 {
            revision = self.revision();
        }
        if revision > self.revision() {
            return Err(Rejected::FutureRevision);
        }
        if revision < self.model.compacted {
            return Err(Rejected::Compacted);
        }
        let keys = self.model.states.get(revision as usize).unwrap_or(&self.keys);
        let mut kvs = found(keys, &request.range);
        let count = kvs.len() as i64;
        if request.count_only {
            return Ok(RangeResponse {
                revision: self.revision(),
                kvs: vec![],
                more: false,
                count,
            });
        }
        kvs.retain(|kv| {
            request.min_mod_revision == 0 || kv.mod_revision >= request.min_mod_revision
        });
        kvs.retain(|kv| {
            request.max_mod_revision == 0 || kv.mod_revision <= request.max_mod_revision
        });
        kvs.retain(|kv| {
            request.min_create_revision == 0 || kv.create_revision >= request.min_create_revision
        });
        kvs.retain(|kv| {
            request.max_create_revision == 0 || kv.create_revision <= request.max_create_revision
        });
        if let Some((target, order)) = request.sort {
            let bounds = request.min_mod_revision
                | request.max_mod_revision
                | request.min_create_revision
                | request.max_create_revision;
            if order == SortOrder::None && request.limit > 0 && bounds == 0 {
                kvs.truncate(request.limit as usize + 1);
            }
            kvs.sort_by(|a, b| {
                let ordering = match target {
                    SortTarget::Key => a.key.cmp(&b.key),
                    SortTarget::Version => a.version.cmp(&b.version),
                    SortTarget::Create => a.create_revision.cmp(&b.create_revision),
                    SortTarget::Mod => a.mod_revision.cmp(&b.mod_revision),
                    SortTarget::Value => a.value.cmp(&b.value),
                };
                if order == SortOrder::Descend { ordering.reverse() } else { ordering }
            });
        }
        let more = request.limit > 0 && kvs.len() as i64 > request.limit;
        if more {
            kvs.truncate(request.limit as usize);
        }
        if request.keys_only {
            for kv in &mut kvs {
                kv.value.clear();
            }
        }
        Ok(RangeResponse { revision: self.revision(), kvs, more, count })
    }

    fn check_put(&self, request: &PutRequest) -> Result<(), Rejected> {
        if (request.ignore_lease || request.ignore_value) && !self.keys.contains_key(&request.key) {
            return Err(Rejected::KeyNotFound);
        }
        Ok(())
    }

    fn put(&mut self, request: &PutRequest) -> PutResponse {
        let revision = self.model.revision() + 1;
        let old = self.keys.get(&request.key).cloned();
        let mut kv = KeyValue {
            key: request.key.clone(),
            value: request.value.clone(),
            create_revision: revision,
            mod_revision: revision,
            version: 1,
            lease: request.lease,
        };
        if let Some(old) = &old {
            kv.create_revision = old.create_revision;
            kv.version = old.version + 1;
            if request.ignore_value {
                kv.value = old.value.clone();
            }
            if request.ignore_lease {
                kv.lease = old.lease;
            }
        }
        self.keys.insert(kv.key.clone(), kv.clone());
        self.events.push(Event { kind: EventKind::Put, kv, prev_kv: old.clone() });
        PutResponse { revision, prev_kv: old.filter(|_| request.prev_kv) }
    }

    fn delete(&mut self, request: &DeleteRangeRequest) -> DeleteRangeResponse {
        let old = found(&self.keys, &request.range);
        for kv in &old {
            self.keys.remove(&kv.key);
            let gone = KeyValue {
                key: kv.key.clone(),
                mod_revision: self.model.revision() + 1,
                ..KeyValue::default()
            };
            self.events.push(Event {
                kind: EventKind::Delete,
                kv: gone,
                prev_kv: Some(kv.clone()),
            });
        }
        DeleteRangeResponse {
            revision: self.revision(),
            deleted: old.len() as i64,
            prev_kvs: if request.prev_kv { old } else { vec![] },
        }
    }

    fn holds(&self, compare: &Compare) -> bool {
        let mut found = found(&self.keys, &compare.range);
        if found.is_empty() {
            if matches!(compare.target, CompareTarget::Value(_)) {
                return false;
            }
            found.push(KeyValue::default());
        }
        found.iter().all(|kv| {
            let ordering = match &compare.target {
                CompareTarget::Version(version) => kv.version.cmp(version),
                CompareTarget::Create(revision) => kv.create_revision.cmp(revision),
                CompareTarget::Mod(revision) => kv.mod_revision.cmp(revision),
                CompareTarget::Value(value) => kv.value.cmp(value),
                CompareTarget::Lease(lease) => kv.lease.cmp(lease),
            };
            match compare.result {
                CompareResult::Equal => ordering.is_eq(),
                CompareResult::Greater => ordering.is_gt(),
                CompareResult::Less => ordering.is_lt(),
                CompareResult::NotEqual => ordering.is_ne(),
            }
        })
    }

    /// The operations that will run, with how deep they lie and which branch each level took.
    fn chosen(&self, request: &TxnRequest) -> Chosen {
        let succeeded = request.compare.iter().all(|compare| self.holds(compare));
        let branch = if succeeded { &request.success } else { &request.failure };
        let ops = branch.iter().map(|op| match op {
            RequestOp::Txn(inside) => Op::Txn(self.chosen(inside)),
            other => Op::One(other.clone()),
        });
        Chosen { succeeded, ops: ops.collect() }
    }

    fn check(&self, chosen: &Chosen) -> Result<(), Rejected> {
        let mut ops = vec![];
        chosen.flat(&mut ops);
        for op in &ops {
            if let RequestOp::Put(request) = op {
                self.check_put(request)?;
                if request.lease != 0 {
                    return Err(Rejected::LeaseNotFound);
                }
            }
        }
        for op in &ops {
            if let RequestOp::Range(request) = op {
                if request.revision > self.model.revision() {
                    return Err(Rejected::FutureRevision);
                } else if request.revision != 0 && request.revision < self.model.compacted {
                    return Err(Rejected::Compacted);
                }
            }
        }
        Ok(())
    }

    fn txn(&mut self, request: &TxnRequest) -> Result<TxnResponse, Rejected> {
        let chosen = self.chosen(request);
        self.check(&chosen)?;
        let mut response = self.perform(&chosen);
        response.revision = self.revision();
        Ok(response)
    }

    fn perform(&mut self, chosen: &Chosen) -> TxnResponse {
        let mut responses = vec![];
        for op in &chosen.ops {
            responses.push(match op {
                Op::Txn(inside) => ResponseOp::Txn(self.perform(inside)),
                Op::One(RequestOp::Range(request)) => {
                    ResponseOp::Range(self.range(request).unwrap())
                }
                Op::One(RequestOp::Put(request)) => ResponseOp::Put(self.put(request)),
                Op::One(RequestOp::DeleteRange(request)) => {
                    ResponseOp::DeleteRange(self.delete(request))
                }
                Op::One(RequestOp::Txn(_)) => unreachable!(),
            });
        }
        TxnResponse { revision: 0, succeeded: chosen.succeeded, responses }
    }
}

fn found(keys: &Keys, range: &KeyRange) -> Vec<KeyValue> {
    keys.values().filter(|kv| range.contains(&kv.key)).cloned().collect()
}

struct Chosen {
    succeeded: bool,
    ops: Vec<Op>,
}

impl Chosen {
    fn flat<'c>(&'c self, ops: &mut Vec<&'c RequestOp>) {
        for op in &self.ops {
            match op {
                Op::One(op) => ops.push(op),
                Op::Txn(inside) => inside.flat(ops),
            }
        }
    }
}

enum Op {
    One(RequestOp),
    Txn(Chosen),
}
