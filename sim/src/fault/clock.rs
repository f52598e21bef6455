//! Faults of the clocks: none yet.

use mettle_scenarios::fault::ClockFault;
use mettle_scenarios::plan::PlannedFault;

use crate::run_context::RunContext;
use crate::target::ResolvedTarget;

/// Acts, and sets the clocks right after the duration.
#[expect(clippy::unused_async, reason = "the first fault will wait until it is over")]
pub(super) async fn run(_: &RunContext, _: &PlannedFault, _: &ResolvedTarget, fault: &ClockFault) {
    match *fault {}
}
