//! A timer on true time: exact, registered once per deadline, silent after it is dropped.
//!
//! The executor's own timer has a floor of 1 ms and registers anew at every poll. This one goes
//! around the floor with `reset`, keeps one registration, and lets a deadline that moves later (as
//! every idle timeout does) share the registration it already has.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use madsim::time::TimeHandle;

use super::Slot;

/// One timer.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    armed: Option<(Arc<Slot>, u64)>,
}

impl Alarm {
    /// Ready at `at_ns` or later; otherwise the waker is kept and woken then, or a little earlier.
    ///
    /// Answers the slot when it made a new one.
    pub(crate) fn poll(
        &mut self,
        time: &TimeHandle,
        at_ns: u64,
        cx: &Context<'_>,
    ) -> (Poll<()>, Option<&Arc<Slot>>) {
        let now_ns = time.elapsed().as_nanos() as u64;
        if now_ns >= at_ns {
            return (Poll::Ready(()), None);
        }
        // A registration of this very instant may have rung already, and rings once.
        if let Some((slot, armed_ns)) = &self.armed
            && now_ns < *armed_ns
            && *armed_ns <= at_ns
        {
            slot.set(Some(cx.waker()));
            return (Poll::Pending, None);
        }
        self.disarm();
        let slot = Arc::new(Slot::default());
        slot.set(Some(cx.waker()));
        let waker = Waker::from(Arc::clone(&slot));
        let mut sleep = time.sleep(Duration::ZERO);
        Pin::new(&mut sleep).reset(time.now_instant() + Duration::from_nanos(at_ns - now_ns));
        let registered = Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker));
        debug_assert!(registered.is_pending(), "the deadline lies ahead");
        let (slot, _) = self.armed.insert((slot, at_ns));
        (Poll::Pending, Some(slot))
    }

    /// Wakes nobody any more.
    pub(crate) fn disarm(&mut self) {
        if let Some((slot, _)) = self.armed.take() {
            slot.set(None);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.disarm();
    }
}

/// Waits for a moment of true time.
pub(crate) async fn until(time: &TimeHandle, at_ns: u64) {
    let mut alarm = Alarm::default();
    std::future::poll_fn(|cx| alarm.poll(time, at_ns, cx).0).await;
}

#[cfg(test)]
mod tests {
    use madsim::runtime::Runtime;

    use super::*;

    #[test]
    fn a_registration_of_this_instant_is_not_relied_on() {
        let runtime = Runtime::with_seed_and_config(1, madsim::Config::default());
        runtime.block_on(async {
            let time = TimeHandle::current();
            let now_ns = time.elapsed().as_nanos() as u64;
            let cx = &Context::from_waker(Waker::noop());
            for (armed_ns, is_new) in [(now_ns, true), (now_ns + 1, false), (now_ns + 9, true)] {
                let mut alarm = Alarm { armed: Some((Arc::default(), armed_ns)) };
                let (poll, slot) = alarm.poll(&time, now_ns + 8, cx);
                assert_eq!((poll.is_pending(), slot.is_some()), (true, is_new), "{armed_ns}");
            }
        });
    }
}
