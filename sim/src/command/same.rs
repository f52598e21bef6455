//! `same`: one seed is one run, whatever surrounds the process.
//!
//! Every seed of every scenario is run by two processes that differ in all that must not matter.

use super::chosen::scenarios;
use super::sweep::count;
use super::twice;
use crate::args::SameArgs;
use crate::console::Console;
use crate::error::{EXIT_HARNESS, HarnessError};
use crate::planner;

/// Runs each seed twice and compares. One difference is told whole; all others are counted.
pub(crate) fn same(args: &SameArgs) -> Result<u8, HarnessError> {
    let console = Console::new(false);
    let stories = scenarios(&args.scenarios)?;
    let seeds = args.seeds();
    let (mut same, mut different) = (0, 0);
    for (path, scenario) in &stories {
        for seed in seeds.clone() {
            let plan = planner::plan(scenario, seed, &[]);
            let repro = super::repro::scenario(path, &plan);
            let twice = twice::run(&plan).map_err(|cause| cause.of_run(&repro))?;
            let run = format!("sim=on {} seed={seed} (twice)", scenario.name);
            if twice.same() {
                same += 1;
                console.say(&format!("{run}: same: event hash {}", twice.hash()));
            } else {
                different += 1;
                console.say(&format!("{run}: {}", twice.told()));
            }
        }
    }
    if same + different > 1 {
        console.say(&format!("{} the same, {different} different", count(same, "run")));
    }
    Ok(if different == 0 { 0 } else { EXIT_HARNESS })
}
