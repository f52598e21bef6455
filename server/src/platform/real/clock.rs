//! The system's clocks, and tokio's timers.
#![expect(clippy::disallowed_methods, reason = "everybody else asks the platform; this is it")]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use crate::platform::{Clock, Sleep};

/// The machine's clocks.
pub(super) struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(RealSleep(Box::pin(tokio::time::sleep_until(deadline.into()))))
    }
}

struct RealSleep(Pin<Box<tokio::time::Sleep>>);

impl Future for RealSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl Sleep for RealSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.0.as_mut().reset(deadline.into());
    }
}
