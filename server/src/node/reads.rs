//! The rounds of ReadIndex: who waits for which, and when a round is given up.
//!
//! Plain bookkeeping without I/O. A read joins the round that starts *after* it arrived; one
//! round is under way at a time; each attempt has a context of its own, never used again by this
//! process nor (the random start) by one before it.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::NodeError;
use crate::consensus::types::{Index, NodeId};

/// A caller that waits.
pub type Waiter = oneshot::Sender<Result<(), NodeError>>;

/// Reads waiting for a round, in a round, or for the applier.
pub struct Reads {
    member: NodeId,
    attempt: u64,
    next: Vec<Waiter>,
    round: Option<Round>,
    confirmed: Vec<(Index, Vec<Waiter>)>,
    retry_ticks: u32,
    held: bool,
}

struct Round {
    context: Bytes,
    age_ticks: u32,
    waiters: Vec<Waiter>,
}

impl Reads {
    /// `start` must be random; an attempt without an answer is given up after `retry_ticks`.
    pub fn new(member: NodeId, start: u64, retry_ticks: u32) -> Reads {
        Reads {
            member,
            attempt: start,
            next: vec![],
            round: None,
            confirmed: vec![],
            retry_ticks,
            held: false,
        }
    }

    /// A caller arrives.
    pub fn join(&mut self, waiter: Waiter) {
        self.next.push(waiter);
    }

    /// Starts a round when reads wait and none is under way: the context to ask the core with.
    pub fn start(&mut self) -> Option<Bytes> {
        if self.held || self.round.is_some() || self.next.is_empty() {
            return None;
        }
        let waiters = std::mem::take(&mut self.next);
        let context = self.fresh_context();
        self.round = Some(Round { context: context.clone(), age_ticks: 0, waiters });
        Some(context)
    }

    /// The core confirmed a context; other contexts than the current one are of rounds given up.
    pub fn confirm(&mut self, context: &Bytes, index: Index) {
        if let Some(round) = self.round.take_if(|round| round.context == *context) {
            self.confirmed.push((index, round.waiters));
        }
    }

    /// The core will not answer this context: its readers join the next round, not before a tick.
    pub fn dropped(&mut self, context: &Bytes) {
        if let Some(round) = self.round.take_if(|round| round.context == *context) {
            self.held = true;
            self.rejoin(round);
        }
    }

    /// Everything up to `applied` is applied: those who waited for it are answered.
    pub fn release(&mut self, applied: Index) {
        let mut waiting = Vec::new();
        for (index, waiters) in self.confirmed.drain(..) {
            if index <= applied {
                for waiter in waiters {
                    let _ = waiter.send(Ok(()));
                }
            } else {
                waiting.push((index, waiters));
            }
        }
        self.confirmed = waiting;
    }

    /// A tick passed: an old attempt is given up and its readers join the next round.
    pub fn tick(&mut self) {
        self.held = false;
        let limit = self.retry_ticks;
        let old = self.round.take_if(|round| {
            round.age_ticks += 1;
            round.age_ticks >= limit
        });
        if let Some(round) = old {
            crate::probe!("read index retried");
            self.rejoin(round);
        }
    }

    fn rejoin(&mut self, round: Round) {
        let later = std::mem::take(&mut self.next);
        self.next = round.waiters;
        self.next.extend(later);
        // Callers that stopped waiting need no further round.
        self.next.retain(|waiter| !waiter.is_closed());
    }

    fn fresh_context(&mut self) -> Bytes {
        self.attempt = self.attempt.wrapping_add(1);
        let mut context = self.member.to_be_bytes().to_vec();
        context.extend(self.attempt.to_be_bytes());
        context.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter() -> (Waiter, oneshot::Receiver<Result<(), NodeError>>) {
        oneshot::channel()
    }

    #[test]
    fn a_read_waits_for_a_round_that_began_after_it() {
        let mut reads = Reads::new(1, 0, 5);
        let (first, mut first_answer) = waiter();
        reads.join(first);
        let round_1 = reads.start().expect("a read waits");
        let (second, mut second_answer) = waiter();
        reads.join(second);
        assert_eq!(reads.start(), None, "one round at a time");
        reads.confirm(&round_1, 7);
        reads.release(7);
        assert_eq!(first_answer.try_recv(), Ok(Ok(())));
        assert!(second_answer.try_recv().is_err(), "the second read came after round 1 began");
        let round_2 = reads.start().expect("the second read waits");
        assert_ne!(round_1, round_2);
    }

    #[test]
    fn an_answer_to_an_attempt_given_up_confirms_nothing() {
        let mut reads = Reads::new(1, 0, 2);
        let (caller, mut answer) = waiter();
        reads.join(caller);
        let old = reads.start().expect("a read waits");
        reads.tick();
        reads.tick();
        let new = reads.start().expect("the read joined the next round");
        reads.confirm(&old, 3);
        reads.release(9);
        assert!(answer.try_recv().is_err());
        reads.confirm(&new, 9);
        reads.release(8);
        assert!(answer.try_recv().is_err(), "index 9 is not applied yet");
        reads.release(9);
        assert_eq!(answer.try_recv(), Ok(Ok(())));
    }

    #[test]
    fn callers_that_left_start_no_round() {
        let mut reads = Reads::new(1, 0, 1);
        let (caller, answer) = waiter();
        reads.join(caller);
        reads.start().expect("a read waits");
        drop(answer);
        reads.tick();
        assert_eq!(reads.start(), None);
    }
}
