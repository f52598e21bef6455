//! The rounds of ReadIndex: who waits for which, and when a round asks again.
//!
//! Plain bookkeeping without I/O. A read joins the round that starts *after* it arrived; one round is
//! under way at a time. A round that gets no answer asks again, each time with a context never used
//! before, by this process or (the random start) by one before it. An answer to any of its
//! contexts is good, since all of them were asked after its reads arrived; asking again, each time after a
//! longer wait, therefore never makes a slow answer worthless.

use bytes::Bytes;

use super::event::ReadWaiter;
use crate::consensus::types::{Index, NodeId};

/// Reads waiting for a round, in a round, or for the applier.
pub struct Reads {
    member: NodeId,
    attempt: u64,
    next: Vec<ReadWaiter>,
    round: Option<Round>,
    confirmed: Vec<(Index, Vec<ReadWaiter>)>,
    retry_ticks: u32,
    held: bool,
}

struct Round {
    /// Contexts asked with and not dropped, the latest last.
    contexts: Vec<Bytes>,
    waiters: Vec<ReadWaiter>,
    /// Ticks until the round asks again.
    retry_in_ticks: u32,
    /// Ticks that the round waited the last time; doubles with each question.
    last_retry_ticks: u32,
}

/// A round asks again at the latest after this many times its first wait.
const RETRY_GROWS_MAX: u32 = 16;

impl Reads {
    /// `start` must be random; a round without an answer first asks again after `retry_ticks`.
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
    pub fn join(&mut self, waiter: ReadWaiter) {
        self.next.push(waiter);
    }

    /// The context to ask the core with, when a round starts or asks again.
    pub fn start(&mut self) -> Option<Bytes> {
        if self.held {
            return None;
        }
        match &self.round {
            Some(round) if round.retry_in_ticks > 0 => return None,
            None if self.next.is_empty() => return None,
            _ => {}
        }
        let context = self.fresh_context();
        let first = self.retry_ticks;
        let round = self.round.get_or_insert_with(|| Round {
            contexts: vec![],
            waiters: std::mem::take(&mut self.next),
            retry_in_ticks: 0,
            last_retry_ticks: first.div_ceil(2),
        });
        let doubled = (round.last_retry_ticks * 2).min(first * RETRY_GROWS_MAX);
        round.retry_in_ticks = doubled;
        round.last_retry_ticks = doubled;
        round.contexts.push(context.clone());
        Some(context)
    }

    /// The core confirmed a context; other contexts than the current round's are of rounds long ended.
    pub fn confirm(&mut self, context: &Bytes, index: Index) {
        if let Some(round) = self.round.take_if(|round| round.contexts.contains(context)) {
            self.confirmed.push((index, round.waiters));
        }
    }

    /// The core will not answer this context; a round with no other one asks again after a tick.
    pub fn dropped(&mut self, context: &Bytes) {
        let Some(round) = &mut self.round else { return };
        round.contexts.retain(|asked| asked != context);
        if round.contexts.is_empty() {
            self.held = true;
            round.retry_in_ticks = 0;
            round.last_retry_ticks = self.retry_ticks.div_ceil(2);
        }
    }

    /// Everything up to `applied` is applied: those who waited for it are answered.
    pub fn release(&mut self, applied: Index) {
        let (done, waiting) = std::mem::take(&mut self.confirmed)
            .into_iter()
            .partition::<Vec<_>, _>(|(index, _)| *index <= applied);
        self.confirmed = waiting;
        for waiter in done.into_iter().flat_map(|(_, waiters)| waiters) {
            let _ = waiter.send(Ok(()));
        }
    }

    /// A tick passed. Callers that stopped waiting need no further round.
    pub fn tick(&mut self) {
        self.held = false;
        self.next.retain(|waiter| !waiter.is_closed());
        let Some(round) = &mut self.round else { return };
        round.waiters.retain(|waiter| !waiter.is_closed());
        round.retry_in_ticks = round.retry_in_ticks.saturating_sub(1);
        if round.waiters.is_empty() {
            self.round = None;
        } else if round.retry_in_ticks == 0 && !round.contexts.is_empty() {
            crate::probe!("read index asked again");
        }
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
    use tokio::sync::oneshot;

    use super::*;
    use crate::node::NodeError;

    fn waiter() -> (ReadWaiter, oneshot::Receiver<Result<(), NodeError>>) {
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
    fn a_slow_answer_is_good_although_the_round_has_asked_again() {
        let mut reads = Reads::new(1, 0, 2);
        let (caller, mut answer) = waiter();
        reads.join(caller);
        let first = reads.start().expect("a read waits");
        reads.tick();
        assert_eq!(reads.start(), None, "not yet");
        reads.tick();
        let again = reads.start().expect("no answer came");
        assert_ne!(first, again, "a context is used once");
        let (late, mut late_answer) = waiter();
        reads.join(late);
        reads.confirm(&first, 9);
        reads.release(8);
        assert!(answer.try_recv().is_err(), "index 9 is not applied yet");
        reads.release(9);
        assert_eq!(answer.try_recv(), Ok(Ok(())));
        assert!(late_answer.try_recv().is_err(), "it came after both contexts");
        reads.confirm(&again, 9);
        reads.release(9);
        assert!(late_answer.try_recv().is_err(), "that round has ended");
    }

    #[test]
    fn a_round_waits_longer_each_time() {
        let mut reads = Reads::new(1, 0, 2);
        let (caller, _answer) = waiter();
        reads.join(caller);
        reads.start().expect("a read waits");
        let mut waits = vec![];
        for _ in 0..3 {
            let mut ticks = 0;
            while reads.start().is_none() {
                reads.tick();
                ticks += 1;
            }
            waits.push(ticks);
        }
        assert_eq!(waits, [2, 4, 8]);
    }

    #[test]
    fn a_dropped_context_is_asked_again_after_a_tick() {
        let mut reads = Reads::new(1, 0, 5);
        let (caller, mut answer) = waiter();
        reads.join(caller);
        let dropped = reads.start().expect("a read waits");
        reads.dropped(&dropped);
        assert_eq!(reads.start(), None, "not in the same turn");
        reads.tick();
        let again = reads.start().expect("the read still waits");
        reads.confirm(&again, 1);
        reads.release(1);
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
