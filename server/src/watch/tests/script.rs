//! Runs the stories of `watch/testscripts`.
//!
//! A leader and a member apply the same log; watchers watch the member. Verbs: `put`, `delete`,
//! `txn then=`, `compact` (as in `mvcc/testscripts`; the hub is told at once), `cut` (only the
//! leader applies), `install` (the member takes the leader's snapshot, and is no longer cut), `open
//! STREAM`, `watch STREAM RANGE [start= id=] [prev] [noput] [nodelete] [progress] [fragment]`,
//! `cancel STREAM ID`, `ask STREAM`, `round`, `sync`, `read STREAM [COUNT]`, `close STREAM`,
//! `state`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use goldenscript::{Command, Context, Runner};

use crate::apply;
use crate::command::{Body, CompactRequest, RequestOp, TxnRequest};
use crate::consensus::types::Entry;
use crate::limits::WatchLimits;
use crate::mvcc::Store;
use crate::mvcc::tests::disk::Disk;
use crate::mvcc::tests::words::{self, Said, has, named, number};
use crate::mvcc::tests::{IDENTITY, entry};
use crate::watch::{Hub, StreamId, WatchBody, WatchRequest, WatchResponse};

/// Small, so that stories get there.
const LIMITS: WatchLimits = WatchLimits {
    outbox_responses: 3,
    outbox_bytes: 1000,
    fragment_bytes: 80,
    response_bytes: 200,
    scan_changes: 4,
    sync_watchers: 2,
};

struct Story {
    leader: Store,
    member: Store,
    cut: bool,
    log: Vec<Entry>,
    hub: Hub,
    streams: BTreeMap<String, StreamId>,
}

impl Story {
    fn new() -> Story {
        let fresh = || Store::open(Disk::default().backend(), IDENTITY).unwrap();
        let (leader, member) = (fresh(), fresh());
        let hub = Hub::with_limits(member.revision(), LIMITS);
        Story { leader, member, cut: false, log: vec![], hub, streams: BTreeMap::new() }
    }

    fn apply(&mut self, body: Body) -> String {
        self.log.push(entry(self.log.len() as u64 + 1, body));
        let mut outcome = apply::apply_batch(&self.leader, &self.log).unwrap();
        if !self.cut {
            self.catch_up();
        }
        words::tell_applied(outcome.answers.remove(0).1)
    }

    fn catch_up(&mut self) {
        let outcome = apply::apply_batch(&self.member, &self.log).unwrap();
        for (revision, events) in outcome.events {
            self.hub.notify(revision, events);
        }
    }

    fn install(&mut self) -> Said<String> {
        let (mark, chunks) = self.leader.export()?;
        self.member = Store::import(Disk::default().backend(), IDENTITY, chunks)?;
        self.hub.restore(&self.member);
        self.cut = false;
        Ok(format!("installed up to entry {}", mark.index))
    }

    fn stream(&self, words: &[String]) -> Said<StreamId> {
        Ok(*self.streams.get(words.get(1).ok_or("which stream?")?).ok_or("no such stream")?)
    }

    fn run(&mut self, words: &[String]) -> Said<String> {
        Ok(match words[0].as_str() {
            "put" => self.apply(Body::Put(words::to_put(words)?)),
            "delete" => self.apply(Body::DeleteRange(words::to_delete(words)?)),
            "txn" => self.apply(Body::Txn(to_txn(words)?)),
            "compact" => self.apply(Body::Compact(CompactRequest {
                revision: words[1].parse()?,
                physical: false,
            })),
            "cut" => {
                self.cut = true;
                String::new()
            }
            "install" => self.install()?,
            "sync" => format!("more: {}", self.hub.sync(&self.member)?),
            "round" => {
                self.hub.progress_round();
                String::new()
            }
            "state" => {
                format!("at {}, sync has work: {}", self.hub.revision(), self.hub.needs_sync())
            }
            _ => self.ask(words)?,
        })
    }

    /// Verbs about one stream.
    fn ask(&mut self, words: &[String]) -> Said<String> {
        match words[0].as_str() {
            "open" => {
                let id = self.hub.open(Box::new(|| ()));
                self.streams.insert(words[1].clone(), id);
            }
            "watch" => self.hub.create(self.stream(words)?, to_watch(words)?),
            "cancel" => self.hub.cancel(self.stream(words)?, words[2].parse()?),
            "ask" => self.hub.progress(self.stream(words)?),
            "close" => self.hub.close(self.stream(words)?),
            "read" => {
                let stream = self.stream(words)?;
                let most = words.get(2).map_or(Ok(usize::MAX), |most| most.parse())?;
                let mut told = String::new();
                for response in std::iter::from_fn(|| self.hub.next(stream)).take(most) {
                    writeln!(told, "{}", tell(&response))?;
                }
                return Ok(if told.is_empty() { "nothing".to_owned() } else { told });
            }
            other => return Err(format!("no such verb: {other}").into()),
        }
        Ok(String::new())
    }
}

fn to_txn(words: &[String]) -> Said<TxnRequest> {
    let ops = named(words, "then").unwrap_or_default().split(';').map(|op| {
        let words: Vec<String> = op.split_whitespace().map(str::to_owned).collect();
        Ok(match words[0].as_str() {
            "put" => RequestOp::Put(words::to_put(&words)?),
            _ => RequestOp::DeleteRange(words::to_delete(&words)?),
        })
    });
    Ok(TxnRequest { compare: vec![], success: ops.collect::<Said<_>>()?, failure: vec![] })
}

fn to_watch(words: &[String]) -> Said<WatchRequest> {
    Ok(WatchRequest {
        range: words::to_range(&words[2]),
        start_revision: number(words, "start")?,
        watch_id: number(words, "id")?,
        progress_notify: has(words, "progress"),
        no_put: has(words, "noput"),
        no_delete: has(words, "nodelete"),
        prev_kv: has(words, "prev"),
        fragment: has(words, "fragment"),
    })
}

fn tell(response: &WatchResponse) -> String {
    let mut told = format!("watcher {} at {}: ", response.watch_id, response.revision);
    match &response.body {
        WatchBody::Created => told += "created",
        WatchBody::Rejected(rejected) => write!(told, "rejected, {rejected}").unwrap(),
        WatchBody::Canceled => told += "canceled",
        WatchBody::Compacted(revision) => write!(told, "compacted at {revision}").unwrap(),
        WatchBody::Progress => told += "progress",
        WatchBody::Events { events, fragment } => {
            told += if *fragment { "events, more of them follow" } else { "events" };
            for event in events {
                told += "\n  ";
                told += &words::tell_event(event);
            }
        }
    }
    told
}

impl Runner for Story {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Said<String> {
        Story::run(self, &words::words(command)).map(words::in_lines)
    }
}

#[test]
fn every_story_is_told_the_same_way() {
    words::tell_all("src/watch/testscripts", Story::new);
}
