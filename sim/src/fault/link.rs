//! Faults of single links: what happens to bytes, messages and new connections on their way.

use mettle_scenarios::fault::LinkFault;
use mettle_scenarios::plan::PlannedFault;

use super::links::{Disturbance, aimed_at, hold};
use crate::net::{self, NetEffect};
use crate::run_context::RunContext;
use crate::target::ResolvedTarget;

/// Acts, and heals after the duration.
pub(super) async fn run(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &LinkFault,
) {
    let (simulated, seen) = simulated(fault);
    let directions = aimed_at(run, resolved, fault.between());
    hold(run, planned, resolved, Disturbance { directions, fault: simulated }, seen).await;
}

/// The fault as the simulated network has it, and what counts as its effect.
fn simulated(fault: &LinkFault) -> (net::LinkFault, fn(NetEffect) -> bool) {
    let ppm = |permille: u32| permille * 1000;
    match *fault {
        LinkFault::Clog { .. } => (net::LinkFault::Clog, |effect| effect.bytes_held > 0),
        LinkFault::Bandwidth { bytes_per_s, .. } => {
            (net::LinkFault::Bandwidth { bytes_per_s }, |effect| effect.bytes_queued > 0)
        }
        LinkFault::Loss { permille, .. } => {
            (net::LinkFault::Loss { ppm: ppm(permille) }, |effect| effect.segments_lost > 0)
        }
        LinkFault::CorruptBytes { permille, .. } => {
            (net::LinkFault::Corrupt { ppm: ppm(permille) }, |effect| effect.bits_flipped > 0)
        }
        LinkFault::Duplicate { permille } => {
            let fault = net::LinkFault::Duplicate { ppm: ppm(permille) };
            (fault, |effect| effect.messages_duplicated > 0)
        }
        LinkFault::Reorder { permille } => {
            let fault = net::LinkFault::Reorder { ppm: ppm(permille) };
            (fault, |effect| effect.messages_reordered > 0)
        }
        LinkFault::ConnectRefused { .. } => {
            (net::LinkFault::RefuseConnect, |effect| effect.dials_refused > 0)
        }
        LinkFault::ConnectHang { .. } => {
            (net::LinkFault::HangConnect, |effect| effect.dials_hung > 0)
        }
    }
}
