//! Runs the stories of `mvcc/testscripts`.
//!
//! Verbs: `put KEY VALUE [prev] [keep-value] [keep-lease] [lease=N]`, `get RANGE [rev= limit= sort=
//! min-mod= …] [keys] [count]`, `delete RANGE [prev]`, `txn if="…, …" then="…; …" else="…"` (an
//! operation `run NAME` is the transaction made by `name NAME if= then= else=`), `compact REV
//! [physical]`, `events RANGE from=`, `flush`, `reopen`, `crash`, `state`.

use std::collections::BTreeMap;

use goldenscript::{Command, Context, Runner};

use super::disk::Disk;
use super::words::{self, Said, has, named, number};
use super::{IDENTITY, entry};
use crate::apply;
use crate::command::*;
use crate::consensus::types::Entry;
use crate::mvcc::Store;

struct Story {
    disk: Disk,
    store: Option<Store>,
    log: Vec<Entry>,
    named: BTreeMap<String, TxnRequest>,
}

impl Story {
    fn new() -> Story {
        let disk = Disk::default();
        let store = Store::open(disk.backend(), IDENTITY).unwrap();
        Story { disk, store: Some(store), log: Vec::new(), named: BTreeMap::new() }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn apply(&mut self, body: Body) -> String {
        self.log.push(entry(self.log.len() as u64 + 1, body));
        let mut outcome = apply::apply_batch(self.store(), &self.log).unwrap();
        words::tell_applied(outcome.answers.remove(0).1)
    }

    fn txn(&self, words: &[String]) -> Said<TxnRequest> {
        let list = |name: &str, between: char| {
            let text = named(words, name).unwrap_or_default();
            text.split(between).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>()
        };
        let ops = |name| list(name, ';').into_iter().map(|op| self.op(op)).collect::<Said<_>>();
        Ok(TxnRequest {
            compare: list("if", ',').into_iter().map(words::to_compare).collect::<Said<_>>()?,
            success: ops("then")?,
            failure: ops("else")?,
        })
    }

    fn op(&self, text: &str) -> Said<RequestOp> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Ok(match words[0].as_str() {
            "get" => RequestOp::Range(words::to_read(&words)?),
            "put" => RequestOp::Put(words::to_put(&words)?),
            "delete" => RequestOp::DeleteRange(words::to_delete(&words)?),
            "run" => RequestOp::Txn(self.named.get(&words[1]).ok_or("no such txn")?.clone()),
            other => return Err(format!("no such operation: {other}").into()),
        })
    }

    fn run(&mut self, words: &[String]) -> Said<String> {
        Ok(match words[0].as_str() {
            "put" => self.apply(Body::Put(words::to_put(words)?)),
            "delete" => self.apply(Body::DeleteRange(words::to_delete(words)?)),
            "txn" => {
                let request = self.txn(words)?;
                self.apply(Body::Txn(request))
            }
            "name" => {
                let request = self.txn(words)?;
                self.named.insert(words[1].clone(), request);
                String::new()
            }
            "compact" => self.apply(Body::Compact(CompactRequest {
                revision: words[1].parse()?,
                physical: has(words, "physical"),
            })),
            "get" => match self.store().range(&words::to_read(words)?)? {
                Ok(response) => words::tell_range(&response),
                Err(rejected) => format!("refused: {rejected}"),
            },
            "events" => {
                let range = words::to_range(&words[1]);
                match self.store().events(&range, number(words, "from")?, i64::MAX - 1, 100)? {
                    Ok(history) => words::tell_changes(&history.changes),
                    Err(rejected) => format!("refused: {rejected}"),
                }
            }
            "flush" => format!("durable up to entry {}", self.store().flush()?.index),
            "reopen" => {
                self.store = None;
                self.open()?
            }
            "crash" => {
                self.disk = self.disk.after_power_loss(|| false);
                self.open()?
            }
            "again" => {
                apply::apply_batch(self.store(), &self.log)?;
                self.state()
            }
            "state" => self.state(),
            other => return Err(format!("no such verb: {other}").into()),
        })
    }

    fn open(&mut self) -> Said<String> {
        self.store = Some(Store::open(self.disk.backend(), IDENTITY)?);
        Ok(self.state())
    }

    fn state(&self) -> String {
        let store = self.store();
        let (applied, revision) = (store.applied().index, store.revision());
        let unreachable = store.memory().awaiting_removal.len();
        let compacted = store.compact_revision();
        format!(
            "applied {applied}, revision {revision}, compacted {compacted}, \
             unreachable records {unreachable}"
        )
    }
}

impl Runner for Story {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Said<String> {
        Story::run(self, &words::words(command)).map(words::in_lines)
    }
}

#[test]
fn every_story_is_told_the_same_way() {
    words::tell_all("src/mvcc/testscripts", Story::new);
}
