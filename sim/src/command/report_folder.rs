//! Where reports go.

use std::path::{Path, PathBuf};

use mettle_scenarios::Plan;

use crate::error::HarnessError;

/// Where reports go, from the workspace root.
const REPORTS: &str = "target/reports";

/// Where a plan's report goes when nobody says.
pub(super) fn report_folder(plan: &Plan) -> PathBuf {
    let mut name = format!("{}-{}", plan.scenario.replace('/', "-"), plan.seed);
    for plant in &plan.plants {
        name = name + "-" + &plant.to_string().replace('@', "-");
    }
    Path::new(REPORTS).join(name)
}

/// A path that means the same in another working folder.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, HarnessError> {
    std::path::absolute(path).map_err(|cause| HarnessError::Path { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use mettle_server::probe::NAMES;

    use super::*;
    use crate::planner;

    #[test]
    fn reports_tell_runs_apart() {
        let text = "title = 't'\nwhy = 'w'\n[cluster]\n";
        let scenario = mettle_scenarios::parse("x", "faults/x", text, NAMES).unwrap();
        let plan = planner::plan(&scenario, 7, &["C1@m2".parse().unwrap(), "R2".parse().unwrap()]);
        assert_eq!(report_folder(&plan), Path::new("target/reports/faults-x-7-R2-C1-m2"));
    }
}
