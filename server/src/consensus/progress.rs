//! What a leader knows of one follower, and how fast it may send.
//!
//! - *Probe*: the follower's log is unknown; one append at a time, then wait for an answer or a
//!   heartbeat's answer.
//! - *Replicate*: the logs match; appends leave ahead of the answers, up to a window.
//! - *Snapshot*: the follower needs what the log no longer holds; no appends until it is there.
//!
//! Invariants
//! - `matched < next`: what the follower holds is not sent again.
//! - `inflight` rises, holds no more than a window, and lies above `matched` and below `next`.

use std::collections::VecDeque;

use super::types::Index;

/// How appends are sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ProgressState {
    /// One at a time; `paused` while one is out.
    Probe {
        /// An append is out and unanswered.
        paused: bool,
    },
    /// Ahead of the answers; `inflight` holds the last index of each unanswered append.
    Replicate {
        /// Last indexes, rising.
        inflight: VecDeque<Index>,
    },
    /// A snapshot is on its way.
    Snapshot,
}

/// One follower as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    /// The follower's log is durable and equal to the leader's up to here.
    pub(super) matched: Index,
    /// The next entry to send.
    pub(super) next: Index,
    /// How to send.
    pub(super) state: ProgressState,
    /// Whether it spoke since the last check of the quorum.
    pub(super) active: bool,
    /// Highest commit index it was told.
    pub(super) sent_commit: Index,
}

impl Progress {
    /// A follower at the start of a term, of which nothing is known.
    pub(super) fn new(last_index: Index) -> Self {
        Self {
            matched: 0,
            next: last_index + 1,
            state: ProgressState::Probe { paused: false },
            active: false,
            sent_commit: 0,
        }
    }

    /// Whether nothing may be sent now.
    pub(super) fn is_paused(&self, inflight_max: usize) -> bool {
        match &self.state {
            ProgressState::Probe { paused } => *paused,
            ProgressState::Replicate { inflight } => inflight.len() >= inflight_max,
            ProgressState::Snapshot => true,
        }
    }

    /// Entries up to `last` were sent (none when `last` is below `next`).
    pub(super) fn sent(&mut self, last: Index) {
        match &mut self.state {
            ProgressState::Probe { paused } => *paused = true,
            ProgressState::Replicate { inflight } => {
                if last >= self.next {
                    self.next = last + 1;
                    inflight.push_back(last);
                }
            }
            ProgressState::Snapshot => {}
        }
    }

    /// The follower holds everything up to `index`; returns whether that is news.
    pub(super) fn accepted(&mut self, index: Index, first_index: Index) -> bool {
        let is_news = index > self.matched;
        self.matched = self.matched.max(index);
        self.next = self.next.max(index + 1);
        match &mut self.state {
            ProgressState::Probe { .. } if is_news || index == self.matched => self.replicate(),
            ProgressState::Snapshot if self.matched + 1 >= first_index => self.replicate(),
            ProgressState::Replicate { inflight } => {
                while inflight.front().is_some_and(|&last| last <= index) {
                    inflight.pop_front();
                }
            }
            _ => {}
        }
        is_news
    }

    /// The append after `rejected` did not fit; try after `hint` at most. Returns false when the
    /// answer is an old one.
    pub(super) fn rejected(&mut self, rejected: Index, hint: Index) -> bool {
        match &mut self.state {
            ProgressState::Replicate { .. } if rejected > self.matched => {
                self.probe(self.matched + 1);
            }
            ProgressState::Probe { paused } if rejected + 1 == self.next => {
                *paused = false;
                self.next = rejected.min(hint + 1).max(self.matched + 1);
            }
            _ => return false,
        }
        true
    }

    /// An answer to a heartbeat: one more append may go.
    pub(super) fn heard(&mut self, inflight_max: usize) {
        self.active = true;
        match &mut self.state {
            ProgressState::Probe { paused } => *paused = false,
            ProgressState::Replicate { inflight } if inflight.len() >= inflight_max => {
                inflight.pop_front();
            }
            _ => {}
        }
    }

    /// Sends one at a time, from `next`.
    pub(super) fn probe(&mut self, next: Index) {
        self.next = next;
        self.state = ProgressState::Probe { paused: false };
    }

    /// Asserts the invariants at the head of the file.
    pub(super) fn check_invariants(&self, inflight_max: usize) {
        let Progress { matched, next, .. } = *self;
        assert!(matched < next, "matched {matched} < next {next}");
        let ProgressState::Replicate { inflight } = &self.state else { return };
        assert!(
            inflight.len() <= inflight_max,
            "{} appends in flight, at most {inflight_max}",
            inflight.len()
        );
        let mut before = matched;
        for &last in inflight {
            assert!(before < last, "an append up to {last} is in flight after {before}");
            before = last;
        }
        assert!(before < next, "an append up to {before} is in flight, next is {next}");
    }

    fn replicate(&mut self) {
        self.next = self.matched + 1;
        self.state = ProgressState::Replicate { inflight: VecDeque::new() };
    }
}
