//! A host's clocks as the server sees them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use madsim::time::TimeHandle;
use mettle_server::platform;

use super::{Alarm, Clocks};
use crate::host::Host;
use crate::trace::{Event, Kind};

/// The clocks of one host.
#[derive(Clone)]
pub struct SimClock {
    clocks: Clocks,
    time: TimeHandle,
    host: Host,
    /// The instant at which every monotonic clock showed 0.
    start: Instant,
}

impl SimClock {
    /// The clocks of `host`; called inside the simulated world.
    pub fn new(clocks: Clocks, host: Host) -> SimClock {
        let time = TimeHandle::current();
        let passed = time.elapsed();
        let start = time.now_instant().checked_sub(passed).expect("the world began at an instant");
        SimClock { clocks, time, host, start }
    }

    fn monotonic_of(&self, instant: Instant) -> u64 {
        instant.saturating_duration_since(self.start).as_nanos() as u64
    }
}

impl platform::Clock for SimClock {
    fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.clocks.monotonic(self.host))
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.clocks.wall(self.host))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn platform::Sleep>> {
        let deadline_ns = self.monotonic_of(deadline);
        Box::pin(Sleep { clock: self.clone(), deadline_ns, alarm: Alarm::default() })
    }
}

/// A timer on a host's monotonic clock.
struct Sleep {
    clock: SimClock,
    deadline_ns: u64,
    alarm: Alarm,
}

impl platform::Sleep for Sleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline_ns = self.clock.monotonic_of(deadline);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Sleep { clock: SimClock { clocks, time, host, .. }, deadline_ns, alarm } =
            self.get_mut();
        let at_ns = clocks.true_time_of(*host, *deadline_ns);
        let (polled, armed) = alarm.poll(time, at_ns, cx);
        if let Some(slot) = armed {
            clocks.remember(*host, slot);
        }
        if polled.is_ready() {
            alarm.disarm();
            let numbers = [host.number(), *deadline_ns, 0];
            clocks.trace.record_bytes(
                clocks.now_ns(),
                host.member(),
                Kind::Timer,
                Event { verb: "fired", numbers },
                &[],
            );
        }
        polled
    }
}
