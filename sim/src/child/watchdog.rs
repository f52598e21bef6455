//! Ends a run that has used up its time, and says what the run was doing.
//!
//! The watchdog is a real thread beside the simulation. It looks at the process's CPU time now and
//! then, and touches the trace only at the end: the run cannot notice the watchdog.

use std::time::Duration;

use super::say;
use crate::error::{EXIT_HARNESS, HarnessError};
use crate::parent::Answer;
use crate::trace::Trace;

/// CPU time of a run.
const CPU_SECONDS: u64 = 60;

/// Looks so often.
const LOOK: Duration = Duration::from_millis(100);

/// Real time of a run, in looks: ten minutes, against a run that sleeps for ever.
const LOOKS: u64 = 6000;

/// Starts it.
#[allow(
    clippy::disallowed_methods,
    reason = "it watches the real process, not the simulated world"
)]
pub(super) fn start(trace: Trace) {
    std::thread::spawn(move || {
        let mut looks = 0;
        let error = loop {
            std::thread::sleep(LOOK);
            looks += 1;
            if cpu_seconds() > CPU_SECONDS as f64 {
                break HarnessError::Stuck { limit: CPU_SECONDS, unit: "CPU-seconds" };
            }
            if looks > LOOKS {
                break HarnessError::Stuck { limit: LOOKS / 10, unit: "real seconds" };
            }
        };
        let trace = trace.recent().iter().map(ToString::to_string).collect();
        // The parent may be gone; then nobody listens.
        let _ = say(&Answer::Harness { reason: error.to_string(), trace });
        std::process::exit(i32::from(EXIT_HARNESS));
    });
}

/// CPU time this process has used, in seconds.
#[allow(unsafe_code, reason = "std has no CPU time")]
fn cpu_seconds() -> f64 {
    // SAFETY: rusage is plain integers, for which all zero bytes are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live local of the right type.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(failed, 0, "getrusage of this process cannot fail");
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
