//! Consensus: the members agree on one log of commands, though a minority of them may fail.
//!
//! This is Raft, as etcd's own library does it, written as a state machine without input and
//! output: the same events in the same order give the same results. It never waits, reads no
//! clock, touches no disk and no network. The event loop (`node`) gives the core events, and does what
//! the core says.
//!
//! # The protocol
//!
//! Time is cut into *terms*, each with at most one *leader*. Only the leader takes commands: it
//! appends them to its log, sends them to its followers, and once a quorum holds an entry durably,
//! the entry is *committed*: no later leader can lack it, and every member applies it.
//!
//! **Elections.** A follower that hears no leader for a drawn number of ticks first asks whether
//! it would be elected (*pre-vote*, which changes nothing anywhere), and only then enters the next
//! term and asks for votes. A voter gives one vote a term, to a log at least as complete as its
//! own, and none while it hears a leader: so a member that was cut off disturbs nobody when it
//! returns. A leader that hears no quorum for an election timeout steps down (*check-quorum*).
//!
//! **Replication.** An append names the entry before it; a follower that does not hold that entry
//! refuses and hints at where the logs may agree, skipping whole terms. What conflicts with the
//! leader's log is cut. Once the logs meet, appends leave ahead of the answers, up to a window.
//! A follower that lags behind the beginning of the leader's log gets a snapshot.
//!
//! **Reads.** A linearizable read takes no entry: the leader notes its commit index, has a round
//! of heartbeats confirm that it still leads, and the read is served when that index is applied.
//! A follower asks the leader for such an index and serves the read itself.
//!
//! # What the event loop owes
//!
//! Call [`Core::tick`], [`Core::step`], [`Core::propose`], [`Core::read_index`] as things happen;
//! while [`Core::has_ready`], take a [`Ready`] and
//!
//! 1. send `messages`: they may leave at once, also before `append` is durable;
//! 2. give `append` to storage, in order; several may be on their way. When one is durable, call
//!    [`Core::persisted`]: that releases the messages that waited for it;
//! 3. apply `committed`, in order, and report with [`Core::applied`];
//! 4. serve each of `reads` when its index is applied; ask again, under a new name, for
//!    `dropped_reads`;
//! 5. send the state to `snapshots_to`, and report with [`Core::snapshot_sent`]. A snapshot that
//!    arrives is installed and made durable first, and only then stepped as a message;
//! 6. stop the member when it is `broken`.
//!
//! At boot, [`Stored::settle`] brings log and state in line and refuses what cannot be trusted.
//!
//! # Invariants
//!
//! - At most one leader a term; a leader holds everything committed in earlier terms.
//! - A vote, and the acceptance of an append, leave a member only when what they speak of is
//!   durable. A leader counts itself only as far as its own disk has come.
//! - A request for votes leaves only when the log it speaks of is durable.
//! - Only an entry of the leader's own term is committed by counting; all before it go with it.
//! - `committed` holds only entries durable here, each once, in order.
//! - A committed entry is never cut; if it would have to be, the member stops.
//! - A read is confirmed only by a round that began after it was asked, in the same term, at a
//!   leader that has committed an entry of that term.
//!
//! # Deliberately absent
//!
//! Changes of membership (their types, and joint quorums, are here), reads by clock alone, limits
//! on what is not committed yet (the event loop's business).

pub mod types;

mod message;
mod stored;

mod core;
mod step;

mod election;
mod quorum;
mod random;

mod log;
mod progress;
mod replication;
mod snapshot;
mod stall;

mod read_index;
mod ready;

mod invariants;

pub use self::core::{Core, ProposeError};
pub use self::types::*;

#[cfg(test)]
mod tests;
