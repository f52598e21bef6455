//! The two clocks of a host: steps, freezes and drift; a timer wakes at its deadline.

use proptest::prelude::*;

use super::*;
use crate::host::ClientNumber;
use crate::member::Member;
use crate::trace::Keep;

const HOST: Host = Host::Member(Member::new(1));
const S: i64 = 1_000_000_000;

fn world() -> (Arc<std::sync::atomic::AtomicU64>, Clocks) {
    let time = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let read = Arc::clone(&time);
    let now = Now::new(move || read.load(std::sync::atomic::Ordering::Relaxed));
    (time, Clocks::new(now, Trace::new(Keep::Nothing)))
}

#[test]
fn steps_move_the_wall_clock_only() {
    let (time, clocks) = world();
    time.store(5 * S as u64, std::sync::atomic::Ordering::Relaxed);
    clocks.step(HOST, -3 * S);
    assert_eq!(clocks.wall_error_ns(HOST), -3 * S);
    assert_eq!(clocks.monotonic_error_ns(HOST), 0);
    assert_eq!(clocks.wall(HOST), WALL_START_NS + 2 * S as u64);
    clocks.step(HOST, S);
    assert_eq!(clocks.wall_error_ns(HOST), -2 * S);
    clocks.heal(HOST);
    assert_eq!(clocks.wall_error_ns(HOST), 0);
}

#[test]
fn a_frozen_wall_clock_stands_still_while_time_goes_on() {
    let (time, clocks) = world();
    clocks.freeze(HOST);
    time.store(7 * S as u64, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(clocks.wall_error_ns(HOST), -7 * S);
    assert_eq!(clocks.monotonic(HOST), 7 * S as u64);
    clocks.thaw(HOST);
    assert_eq!(clocks.wall_error_ns(HOST), 0);
}

#[test]
fn drift_moves_both_clocks_and_its_end_keeps_what_was_gained() {
    let (time, clocks) = world();
    clocks.set_drift(HOST, 100_000);
    time.store(10 * S as u64, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(clocks.monotonic(HOST), 11 * S as u64);
    assert_eq!(clocks.wall_error_ns(HOST), S);
    clocks.set_drift(HOST, 0);
    time.store(20 * S as u64, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(clocks.monotonic(HOST), 21 * S as u64);
    clocks.heal(HOST);
    assert_eq!(clocks.wall_error_ns(HOST), 0);
    assert_eq!(clocks.monotonic_error_ns(HOST), S, "a monotonic clock never goes back");
}

#[test]
fn one_hosts_clock_leaves_another_alone() {
    let (time, clocks) = world();
    clocks.set_drift(HOST, -500_000);
    time.store(4 * S as u64, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(clocks.monotonic(HOST), 2 * S as u64);
    assert_eq!(clocks.monotonic(Host::Client(ClientNumber::traffic(1))), 4 * S as u64);
}

proptest! {
    #[test]
    fn a_timer_wakes_at_the_first_moment_that_its_clock_shows_its_deadline(
        changes in prop::collection::vec((0u64..10_000_000_000, -900_000i64..5_000_000), 0..6),
        ahead in 1u64..60_000_000_000,
    ) {
        let mut clock = HostClock::default();
        let mut now = 0;
        let mut last = 0;
        for (passed, drift) in changes {
            now += passed;
            let shown = clock.monotonic(now);
            prop_assert!(shown >= last, "a monotonic clock never goes back");
            clock.set_drift(now, drift);
            prop_assert_eq!(clock.monotonic(now), shown, "a drift begins without a jump");
            last = shown;
        }
        let deadline = last + ahead;
        let at = clock.true_time_of(deadline);
        prop_assert!(clock.monotonic(at) >= deadline);
        prop_assert!(clock.monotonic(at - 1) < deadline);
    }
}
