//! Planted bugs live in simulated builds only: proved by the bytes of `mettled`.

use std::path::Path;

use super::Finding;
use crate::cargo;

/// Stands in every build that has planted bugs; see `mettle_server::probe::PLANTED_MARK`.
const MARK: &[u8] = b"mettle: planted bugs are compiled in";

pub(super) fn check(root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |what: String| findings.push(Finding { place: "mettled".into(), what });
    if cargo::output(root, &["build", "--quiet", "-p", "mettle-server", "--bin", "mettled"])
        .is_none()
    {
        find("does not build".into());
        return findings;
    }
    match std::fs::read(root.join("target/debug/mettled")) {
        Ok(bytes) if has_mark(&bytes) => find("has planted bugs compiled in".into()),
        Ok(_) => {}
        Err(error) => find(format!("target/debug/mettled cannot be read: {error}")),
    }
    // The same look at the simulator, where it is built, proves that the mark can be seen.
    if let Ok(bytes) = std::fs::read(root.join("target/sim/sim/mettle-sim"))
        && !has_mark(&bytes)
    {
        find("the mark of planted bugs is not in the simulator either: this check is blind".into());
    }
    findings
}

fn has_mark(bytes: &[u8]) -> bool {
    bytes.windows(MARK.len()).any(|window| window == MARK)
}
