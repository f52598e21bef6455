//! Draws messages, entries and members as text, for stories and failures.

use super::cluster::Packet;
use crate::consensus::{AppendBatch, Entry, Message, MessageBody, Payload, Role, SnapshotMark};

/// `4@2 b`: index, term, command (`-` for none).
pub(super) fn entry(entry: &Entry) -> String {
    let payload = match &entry.payload {
        Payload::Empty => "-".into(),
        Payload::Command(command) => String::from_utf8_lossy(command),
        Payload::Membership(_) => "membership".into(),
    };
    format!("{}@{} {payload}", entry.index, entry.term)
}

/// `[4@2 b, 5@2 c]`.
pub(super) fn entries(entries: &[Entry]) -> String {
    format!("[{}]", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
}

fn mark(mark: &SnapshotMark) -> String {
    format!("{}@{}", mark.index, mark.term)
}

fn context(context: &[u8]) -> String {
    match <[u8; 8]>::try_from(context) {
        Ok(round) => format!(" round={}", u64::from_be_bytes(round)),
        Err(_) => String::new(),
    }
}

fn answer(granted: bool) -> &'static str {
    if granted { "granted" } else { "refused" }
}

/// `n1 → n2 Heartbeat@1 commit=3`.
pub(super) fn message(message: &Message) -> String {
    let Message { from, to, term, body } = message;
    let (name, details) = match body {
        MessageBody::PreVote { last_index, last_term } => {
            ("PreVote", format!("last={last_index}@{last_term}"))
        }
        MessageBody::PreVoteResponse { granted } => ("PreVoteResponse", answer(*granted).into()),
        MessageBody::Vote { last_index, last_term, transfer } => {
            let by_wish = if *transfer { " transfer" } else { "" };
            ("Vote", format!("last={last_index}@{last_term}{by_wish}"))
        }
        MessageBody::VoteResponse { granted } => ("VoteResponse", answer(*granted).into()),
        MessageBody::Append { prev_index, prev_term, entries: carried, commit } => {
            let carried = entries(carried);
            ("Append", format!("prev={prev_index}@{prev_term} {carried} commit={commit}"))
        }
        MessageBody::AppendAccepted { index } => ("AppendAccepted", format!("index={index}")),
        MessageBody::AppendRejected { rejected, hint_index, hint_term } => {
            ("AppendRejected", format!("prev={rejected} hint={hint_index}@{hint_term}"))
        }
        MessageBody::Heartbeat { commit, context: round } => {
            ("Heartbeat", format!("commit={commit}{}", context(round)))
        }
        MessageBody::HeartbeatResponse { context: round } => {
            ("HeartbeatResponse", context(round).trim_start().to_owned())
        }
        MessageBody::Snapshot { mark: at } => ("Snapshot", format!("at {}", mark(at))),
        MessageBody::Propose { command } => ("Propose", String::from_utf8_lossy(command).into()),
        MessageBody::ReadIndex { context } => {
            ("ReadIndex", String::from_utf8_lossy(context).into())
        }
        MessageBody::ReadIndexResponse { context, index } => {
            ("ReadIndexResponse", format!("{} index={index}", String::from_utf8_lossy(context)))
        }
        MessageBody::TimeoutNow => ("TimeoutNow", String::new()),
    };
    format!("n{from} → n{to} {name}@{term} {details}").trim_end().to_owned()
}

/// A message on the wire; one that never arrives is crossed.
pub(super) fn packet(packet: &Packet, arrives: bool) -> String {
    let text = message(&packet.message);
    if arrives { text } else { format!("{text} ✗") }
}

/// `#2 term=1 vote=1 commit=0 [1@1 -]`.
pub(super) fn batch(batch: &AppendBatch) -> String {
    let mut parts = vec![format!("#{}", batch.token.0)];
    if let Some(state) = batch.hard_state {
        parts.push(format!("term={} vote={} commit={}", state.term, state.vote, state.commit));
    }
    if let Some(at) = &batch.snapshot {
        parts.push(format!("snapshot {}", mark(at)));
    }
    if !batch.entries.is_empty() {
        parts.push(entries(&batch.entries));
    }
    parts.join(" ")
}

/// `leader`, in lower case.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Follower => "follower",
        Role::PreCandidate => "pre-candidate",
        Role::Candidate => "candidate",
        Role::Leader => "leader",
    }
}
