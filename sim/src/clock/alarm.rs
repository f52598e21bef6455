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
        if let Some((slot, armed_ns)) = &self.armed
            && (now_ns..=at_ns).contains(armed_ns)
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
