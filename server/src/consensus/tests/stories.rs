//! Plays the scripts of `testscripts/` against a cluster; each output is a sequence diagram.
//!
//! Only commit a changed output if you understand what caused the change, and if it is desired.
//! `UPDATE_GOLDENFILES=1 cargo test -p mettle-server --lib consensus::tests::stories` writes them.
//!
//! Verbs (`ID` is a member; `IDS` a list as in `1/2`):
//!
//! - `cluster [voters=3] [learners=0] [window=16] [bytes=1048576]`: a fresh cluster.
//! - `campaign ID`, `propose ID COMMAND...`, `read ID CONTEXT`, `hand ID to=ID`: what a shell asks.
//! - `tick ID [TICKS]`: time passes at one member, nothing else moves.
//! - `silence IDS`: as if they had not heard a leader for an election timeout: they may vote.
//! - `pass TICKS`: time passes everywhere, everything is delivered after each tick.
//! - `ready ID`: does what the core says. `persist ID [BATCHES]`: its disk finishes.
//! - `deliver [from=ID] [to=ID] [copies=1]`, `lose [from=ID] [to=ID]`: messages on the wire.
//! - `stabilize`: runs until nothing moves.
//! - `slow IDS`, `fast IDS`: whether `stabilize` waits for `persist` at these disks.
//! - `partition IDS IDS...`, `cut from=ID to=ID`, `heal`: links.
//! - `crash IDS` (power loss: what is not durable is gone), `restart IDS`.
//! - `compact ID INDEX`: flush the state, forget the log up to there.
//! - `status`, `log IDS`, `wire`: what is.

use std::error::Error;
use std::path::{Path, PathBuf};

use goldenscript::{Command, Context, Runner};

use super::cluster::{Cluster, ELECTION_TIMEOUT_TICKS, Setup, message};
use super::draw;
use super::watchman::Watchman;
use crate::consensus::{Message, MessageBody, NodeId};

struct Story(Cluster);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn list(text: &str) -> Outcome<Vec<NodeId>> {
    text.split('/').map(|id| Ok(id.parse()?)).collect()
}

/// The arguments of one verb.
struct Words<'a>(goldenscript::ArgumentConsumer<'a>);

impl Words<'_> {
    fn key<T: std::str::FromStr>(&mut self, key: &str) -> Outcome<Option<T>>
    where
        T::Err: Error + 'static,
    {
        Ok(self.0.take_key(key).map(str::parse).transpose()?)
    }

    fn number(&mut self) -> Outcome<u64> {
        Ok(self.0.next_pos().ok_or("a number is missing")?.parse()?)
    }

    fn number_or(&mut self, default: u64) -> Outcome<u64> {
        Ok(self.0.next_pos().map(str::parse).transpose()?.unwrap_or(default))
    }

    fn ids(&mut self) -> Outcome<Vec<NodeId>> {
        list(self.0.next_pos().ok_or("members are missing")?)
    }

    fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.0.next_pos().map(str::to_owned)).collect()
    }
}

impl Runner for Story {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Outcome<String> {
        let mut words = Words(command.consume_args());
        let known = self.ask(&command.name, &mut words)?
            || self.time_and_disks(&command.name, &mut words)?
            || self.links(&command.name, &mut words)?
            || self.show(&command.name, &mut words)?;
        if !known {
            return Err(format!("unknown verb {}", command.name).into());
        }
        words.0.reject_next()?;
        self.0.watch();
        Ok(std::mem::take(&mut self.0.drawing))
    }

    fn end_script(&mut self) -> Outcome<()> {
        Watchman::match_logs(self.0.members.values());
        Ok(())
    }
}

impl Story {
    fn ask(&mut self, verb: &str, words: &mut Words) -> Outcome<bool> {
        let cluster = &mut self.0;
        match verb {
            "cluster" => {
                let defaults = Setup::default();
                *cluster = Cluster::new(&Setup {
                    voters: words.key("voters")?.unwrap_or(defaults.voters),
                    learners: words.key("learners")?.unwrap_or(defaults.learners),
                    inflight_max: words.key("window")?.unwrap_or(defaults.inflight_max),
                    append_bytes_max: words.key("bytes")?.unwrap_or(defaults.append_bytes_max),
                    seed: words.key("seed")?.unwrap_or(defaults.seed),
                });
            }
            "campaign" => cluster.core(words.number()?).campaign(),
            "propose" => {
                let id = words.number()?;
                for command in words.rest() {
                    if !cluster.propose(id, &command) {
                        cluster.say(format!("n{id} knows no leader for {command}"));
                    }
                }
            }
            "read" => {
                let id = words.number()?;
                for context in words.rest() {
                    cluster.read(id, &context);
                }
            }
            "hand" => {
                let (from, to) = (words.number()?, words.key("to")?.ok_or("to= is missing")?);
                let term = cluster.core(from).status().term;
                cluster.core(to).step(message(from, to, term, MessageBody::TimeoutNow));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn time_and_disks(&mut self, verb: &str, words: &mut Words) -> Outcome<bool> {
        let cluster = &mut self.0;
        match verb {
            "silence" => {
                for id in words.ids()? {
                    let core = cluster.core(id);
                    core.election_elapsed_ticks = ELECTION_TIMEOUT_TICKS;
                }
            }
            "tick" => {
                let id = words.number()?;
                for _ in 0..words.number_or(1)? {
                    cluster.core(id).tick();
                }
            }
            "pass" => cluster.pass(words.number()? as u32),
            "ready" => {
                cluster.ready(words.number()?);
            }
            "persist" => {
                let id = words.number()?;
                for _ in 0..words.number_or(1)? {
                    cluster.persist(id);
                }
            }
            "stabilize" => cluster.stabilize(),
            "slow" => cluster.slow.extend(words.ids()?),
            "fast" => {
                for id in words.ids()? {
                    cluster.slow.remove(&id);
                }
            }
            "crash" => {
                for id in words.ids()? {
                    cluster.member(id).crash();
                    cluster.lose(|message| message.to == id);
                }
            }
            "restart" => {
                for id in words.ids()? {
                    cluster.member(id).restart();
                }
            }
            "compact" => {
                let (id, index) = (words.number()?, words.number()?);
                cluster.member(id).compact(index);
                let first = cluster.core(id).first_index();
                cluster.say(format!("n{id} holds entries from {first} on"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn links(&mut self, verb: &str, words: &mut Words) -> Outcome<bool> {
        let cluster = &mut self.0;
        match verb {
            "partition" => {
                let groups: Outcome<Vec<_>> = words.rest().iter().map(|ids| list(ids)).collect();
                cluster.partition(&groups?);
            }
            "cut" => {
                let link = (words.key("from")?, words.key("to")?);
                let (Some(from), Some(to)) = link else { return Err("from= and to=".into()) };
                cluster.cut.insert((from, to));
            }
            "heal" => cluster.cut.clear(),
            "deliver" => {
                let copies = words.key("copies")?.unwrap_or(1);
                let is_meant = chooser(words)?;
                let wire = std::mem::take(&mut cluster.wire);
                let (now, later) = wire.into_iter().partition(|packet| is_meant(&packet.message));
                cluster.wire = later;
                let now: Vec<_> = now;
                for _ in 0..copies {
                    for packet in now.clone() {
                        cluster.deliver(packet);
                    }
                }
            }
            "lose" => {
                let is_meant = chooser(words)?;
                cluster.lose(is_meant);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn show(&mut self, verb: &str, words: &mut Words) -> Outcome<bool> {
        let cluster = &mut self.0;
        match verb {
            "status" => {
                for id in cluster.ids() {
                    let member = &cluster.members[&id];
                    let (status, core) = (member.core.status(), &member.core);
                    let line = if member.is_up {
                        format!(
                            "n{id} {} term={} leader={} commit={} durable={} last={}",
                            draw::role(status.role),
                            status.term,
                            status.leader,
                            status.commit,
                            core.log.stable(),
                            core.last_index(),
                        )
                    } else {
                        format!("n{id} down")
                    };
                    cluster.say(line);
                }
            }
            "log" => {
                for id in words.ids()? {
                    let core = &cluster.members[&id].core;
                    let line = draw::entries(&core.log.slice(core.first_index(), usize::MAX));
                    cluster.say(format!("n{id} {line}"));
                }
            }
            "wire" => {
                for packet in cluster.wire.clone() {
                    cluster.say(draw::packet(&packet, true));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Reads `from=` and `to=`; a message is meant when it fits those given.
fn chooser(words: &mut Words) -> Outcome<impl Fn(&Message) -> bool + use<>> {
    let (from, to): (Option<NodeId>, Option<NodeId>) = (words.key("from")?, words.key("to")?);
    Ok(move |message: &Message| {
        from.is_none_or(|from| from == message.from) && to.is_none_or(|to| to == message.to)
    })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/consensus/testscripts")
}

/// Whether a story comes out as written down.
#[cfg(planted)]
pub(super) fn is_told_the_same(name: &str) -> bool {
    let script = std::fs::read_to_string(folder().join(name)).expect("a story");
    let mut story = Story(Cluster::new(&Setup::default()));
    let telling = std::panic::AssertUnwindSafe(|| goldenscript::generate(&mut story, &script));
    matches!(std::panic::catch_unwind(telling), Ok(Ok(told)) if told == script)
}

#[test]
fn every_story_is_told_the_same_way() {
    let mut scripts: Vec<_> = std::fs::read_dir(folder())
        .expect("the folder of stories")
        .map(|file| file.expect("a file of the folder").path())
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 15, "only {} stories", scripts.len());
    for script in scripts {
        let mut story = Story(Cluster::new(&Setup::default()));
        if let Err(error) = goldenscript::run(&mut story, &script) {
            panic!("{}: {error}", script.display());
        }
    }
}
