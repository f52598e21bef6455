//! The commands, one file each. None of them is simulated: each run is a child process.
//!
//! | file | what |
//! |---|---|
//! | `run` | one scenario, one seed, one verdict, one report |
//! | `sweep` | many seeds of many scenarios |
//! | `merge` | the shares of a sweep together |
//! | `same` | seeds twice, in different surroundings |
//! | `replay` | the plan of a report again |
//! | `planted` | every planted bug is caught |
//! | `list` | the scenarios there are |
//! | `faults` | the page of faults |

mod chosen;
mod faults;
mod list;
mod planted;
mod replay;
mod report_folder;
mod repro;
mod run;
mod same;
mod shown;
mod sweep;
mod twice;

pub(crate) use faults::faults;
pub(crate) use list::list;
pub(crate) use planted::planted;
pub(crate) use replay::replay;
pub(crate) use run::run;
pub(crate) use same::same;
pub(crate) use sweep::{merge, sweep};
