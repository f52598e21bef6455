//! The page that opens from the report folder: the checker's page
//! ([`mettle_checker::view`]), with what a run knows besides its history.

mod data;
#[cfg(test)]
mod tests;

use mettle_checker::history::History;
use mettle_scenarios::Plan;

use crate::timeline::Timeline;
use crate::verdict::Verdict;

/// The page as text.
pub fn page(plan: &Plan, history: &History, verdict: &Verdict, timeline: &Timeline) -> String {
    data::collect(plan, history, verdict, timeline).render()
}
