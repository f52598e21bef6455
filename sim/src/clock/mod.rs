//! The simulated clocks: every host has a wall clock and a monotonic clock of its own.
//!
//! *True time* is the simulated time, in nanoseconds since the start of the run. A host's monotonic
//! clock runs `1 + drift` times as fast as true time. The wall clock is the monotonic clock plus an
//! offset; the offset steps forward and back, and the wall clock may stand still. [`HostClock`] is
//! the arithmetic; [`Clocks`] holds one for each host; `adapter` implements
//! [`mettle_server::platform::Clock`] on top.
//!
//! A timer is set on the host's monotonic clock, and wakes at the true time that corresponds. When
//! the drift changes, pending timers are woken and compute that true time again.
//!
//! **Pause.** The executor holds the tasks of a paused process: its timers fire when the process is
//! resumed, and its clocks run on, as under SIGSTOP. This room needs to know nothing of a pause.

#[cfg(madsim)]
mod adapter;
#[cfg(madsim)]
mod alarm;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Wake, Waker};

use crate::host::Host;
use crate::trace::{Kind, Trace};

#[cfg(madsim)]
pub use adapter::SimClock;
#[cfg(madsim)]
pub(crate) use alarm::{Alarm, until};

/// The wall clock of a world at its start: 2026-01-01 00:00:00 UTC, in nanoseconds.
pub const WALL_START_NS: u64 = 1_767_225_600 * 1_000_000_000;

/// Where simulated time is read.
#[derive(Clone)]
pub struct Now(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Now {
    /// Time read by calling `read`, in nanoseconds since the start of the world.
    pub fn new(read: impl Fn() -> u64 + Send + Sync + 'static) -> Now {
        Now(Arc::new(read))
    }

    /// Nanoseconds since the start of the world.
    pub fn ns(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Now({} ns)", self.ns())
    }
}

/// The clocks of one host, as functions of true time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostClock {
    /// True time when the drift last changed.
    since_ns: u64,
    /// Monotonic time at that moment.
    monotonic_ns: u64,
    /// Parts per million by which the monotonic clock is fast.
    drift_ppm: i64,
    /// The wall clock is off by this.
    offset_ns: i64,
    /// The wall clock stands still at this.
    frozen_ns: Option<u64>,
}

const MILLION: i128 = 1_000_000;

impl HostClock {
    /// Monotonic time, in nanoseconds since the start of the world.
    pub fn monotonic(&self, now_ns: u64) -> u64 {
        let passed = i128::from(now_ns.saturating_sub(self.since_ns));
        let scaled = passed * (MILLION + i128::from(self.drift_ppm)) / MILLION;
        self.monotonic_ns + u64::try_from(scaled).unwrap_or(0)
    }

    /// Wall time, in nanoseconds since 1970.
    pub fn wall(&self, now_ns: u64) -> u64 {
        self.frozen_ns.unwrap_or_else(|| {
            (WALL_START_NS + self.monotonic(now_ns)).saturating_add_signed(self.offset_ns)
        })
    }

    /// The first true time at which the monotonic clock shows `monotonic_ns` or more.
    pub fn true_time_of(&self, monotonic_ns: u64) -> u64 {
        let ahead = i128::from(monotonic_ns.saturating_sub(self.monotonic_ns));
        let rate = MILLION + i128::from(self.drift_ppm);
        let passed = (ahead * MILLION + rate - 1) / rate;
        self.since_ns.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// Runs faster (or slower, below 0) by so many parts per million from now on.
    pub fn set_drift(&mut self, now_ns: u64, drift_ppm: i64) {
        self.monotonic_ns = self.monotonic(now_ns);
        self.since_ns = now_ns;
        self.drift_ppm = drift_ppm.clamp(-999_000, 1_000_000_000);
    }
}

/// The clocks of all hosts.
#[derive(Clone, Debug)]
pub struct Clocks {
    now: Now,
    trace: Trace,
    hosts: Arc<Mutex<BTreeMap<Host, Entry>>>,
}

/// One host's clocks, and the timers that wait on them.
#[derive(Debug, Default)]
struct Entry {
    clock: HostClock,
    sleepers: Vec<Weak<Slot>>,
    /// Forgotten sleepers are dropped when there are so many.
    #[cfg_attr(not(madsim), expect(dead_code, reason = "timers exist in the simulated world"))]
    prune_at: usize,
}

/// Whom a timer wakes.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Option<Waker>>);

impl Slot {
    #[cfg_attr(not(madsim), expect(dead_code, reason = "timers exist in the simulated world"))]
    pub(crate) fn set(&self, waker: Option<&Waker>) {
        let mut slot = self.0.lock().expect("no one panics while holding a slot");
        match (&mut *slot, waker) {
            (Some(kept), Some(waker)) => kept.clone_from(waker),
            (slot, waker) => *slot = waker.cloned(),
        }
    }
}

impl Wake for Slot {
    fn wake(self: Arc<Self>) {
        let waker = self.0.lock().expect("no one panics while holding a slot").take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Clocks {
    /// Clocks that all show true time.
    pub fn new(now: Now, trace: Trace) -> Clocks {
        Clocks { now, trace, hosts: Arc::default() }
    }

    /// True time, in nanoseconds since the start of the world.
    pub fn now_ns(&self) -> u64 {
        self.now.ns()
    }

    /// A host's monotonic time now.
    pub fn monotonic(&self, host: Host) -> u64 {
        let now_ns = self.now.ns();
        self.hosts().entry(host).or_default().clock.monotonic(now_ns)
    }

    /// A host's wall time now, in nanoseconds since 1970.
    pub fn wall(&self, host: Host) -> u64 {
        let now_ns = self.now.ns();
        self.hosts().entry(host).or_default().clock.wall(now_ns)
    }

    /// By how much a host's wall clock is ahead of true time.
    pub fn wall_error_ns(&self, host: Host) -> i64 {
        self.wall(host).wrapping_sub(WALL_START_NS + self.now.ns()) as i64
    }

    /// By how much a host's monotonic clock is ahead of true time.
    pub fn monotonic_error_ns(&self, host: Host) -> i64 {
        self.monotonic(host).wrapping_sub(self.now.ns()) as i64
    }

    /// A host's clocks run faster (or slower, below 0) by so many parts per million.
    pub fn set_drift(&self, host: Host, ppm: i64) {
        self.change(host, format_args!("drift {ppm} ppm"), |clock, now_ns| {
            clock.set_drift(now_ns, ppm);
        });
        let sleepers = std::mem::take(&mut self.hosts().entry(host).or_default().sleepers);
        sleepers.iter().filter_map(Weak::upgrade).for_each(Wake::wake);
    }

    /// A host's wall clock is off by so much from now on.
    pub fn set_offset(&self, host: Host, offset_ns: i64) {
        self.change(host, format_args!("offset {offset_ns} ns"), |clock, _| {
            clock.offset_ns = offset_ns;
        });
    }

    /// A host's wall clock jumps.
    pub fn step(&self, host: Host, by_ns: i64) {
        self.change(host, format_args!("step {by_ns} ns"), |clock, _| {
            clock.offset_ns = clock.offset_ns.saturating_add(by_ns);
        });
    }

    /// A host's wall clock stands still.
    pub fn freeze(&self, host: Host) {
        self.change(host, format_args!("freeze"), |clock, now_ns| {
            clock.frozen_ns = Some(clock.wall(now_ns));
        });
    }

    /// A host's wall clock goes on, as though it had never stood still.
    pub fn thaw(&self, host: Host) {
        self.change(host, format_args!("thaw"), |clock, _| clock.frozen_ns = None);
    }

    /// A host's wall clock is right again, and its clocks drift no more.
    pub fn heal(&self, host: Host) {
        self.set_drift(host, 0);
        self.thaw(host);
        self.change(host, format_args!("heal"), |clock, now_ns| {
            let ahead_ns = clock.monotonic(now_ns) as i64 - now_ns as i64;
            clock.offset_ns = -ahead_ns;
        });
    }

    fn change(&self, host: Host, words: fmt::Arguments<'_>, act: impl Fn(&mut HostClock, u64)) {
        let now_ns = self.now.ns();
        let line = format_args!("clock {host} {words}");
        self.trace.record(now_ns, host.member(), Kind::Fault, line);
        act(&mut self.hosts().entry(host).or_default().clock, now_ns);
    }

    #[cfg(madsim)]
    fn true_time_of(&self, host: Host, monotonic_ns: u64) -> u64 {
        self.hosts().entry(host).or_default().clock.true_time_of(monotonic_ns)
    }

    /// Remembers who must be woken when the host's drift changes.
    #[cfg(madsim)]
    fn remember(&self, host: Host, slot: &Arc<Slot>) {
        let mut hosts = self.hosts();
        let entry = hosts.entry(host).or_default();
        if entry.sleepers.len() >= entry.prune_at {
            entry.sleepers.retain(|sleeper| sleeper.strong_count() > 0);
            entry.prune_at = 2 * entry.sleepers.len() + 64;
        }
        entry.sleepers.push(Arc::downgrade(slot));
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<Host, Entry>> {
        self.hosts.lock().expect("no one panics while holding the clocks")
    }
}
