//! Who may depend on whom: our own crates, and the crates that would draw real randomness.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::Finding;
use crate::cargo;

/// Our crates and which of ours each may use.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("mettle-api", &[]),
    ("mettle-server", &["mettle-api"]),
    ("mettle-search", &[]),
    ("mettle-checker", &["mettle-search"]),
    ("mettle-page", &["mettle-checker"]),
    ("mettle-check", &["mettle-checker", "mettle-page", "mettle-search"]),
    ("mettle-scenarios", &[]),
    ("mettle-reports", &["mettle-checker", "mettle-page", "mettle-scenarios"]),
    (
        "mettle-sim",
        &["mettle-api", "mettle-server", "mettle-checker", "mettle-scenarios", "mettle-reports"],
    ),
    ("mettle-ci", &[]),
];

/// Crates that may not know a runtime, a simulated one included.
const KNOW_NO_RUNTIME: [&str; 6] = [
    "mettle-search",
    "mettle-checker",
    "mettle-page",
    "mettle-check",
    "mettle-scenarios",
    "mettle-reports",
];

/// Crates that judge, and know no command line and no page.
const KNOW_NO_DOOR: [&str; 2] = ["mettle-search", "mettle-checker"];
/// What a command line and a page are made of.
const DOORS: [&str; 3] = ["clap", "signal-hook", "mettle-page"];

/// Crates whose randomness escapes the simulator, by name and version; only `madsim` may bring them.
const ESCAPES: [(&str, &str); 2] = [("getrandom", "0.2."), ("rand", "0.8.")];

pub(super) fn check(root: &Path) -> Vec<Finding> {
    let metadata = cargo::output(root, &["metadata", "--format-version", "1", "--locked"])
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    match metadata {
        Some(metadata) => rules(&Graph::new(&metadata)),
        None => vec![finding("Cargo.lock", "cargo metadata --locked failed".into())],
    }
}

fn finding(place: &str, what: String) -> Finding {
    Finding { place: place.to_string(), what }
}

/// The resolved graph, without dev-dependencies.
struct Graph {
    packages: BTreeMap<String, (String, String)>,
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn new(metadata: &Value) -> Graph {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let packages = list(&metadata["packages"])
            .iter()
            .map(|p| (text(&p["id"]), (text(&p["name"]), text(&p["version"]))))
            .collect();
        let mut uses = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            let normal = |dep: &Value| list(&dep["dep_kinds"]).iter().any(|k| k["kind"].is_null());
            let deps = list(&node["deps"]);
            let used = deps.iter().filter(|dep| normal(dep)).map(|dep| text(&dep["pkg"]));
            uses.insert(text(&node["id"]), used.collect());
        }
        Graph { packages, uses }
    }

    fn named(&self, name: &str) -> Option<&String> {
        self.packages.iter().find(|(_, (n, _))| n == name).map(|(id, _)| id)
    }

    /// Everything `id` builds with, itself included.
    fn reach(&self, id: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut next = vec![id.to_string()];
        while let Some(id) = next.pop() {
            if seen.insert(id.clone()) {
                next.extend(self.uses.get(&id).into_iter().flatten().cloned());
            }
        }
        seen
    }
}

fn rules(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, may_use) in MAY_USE {
        let Some(id) = graph.named(name) else { continue };
        for used in graph.uses.get(id).into_iter().flatten() {
            let used = &graph.packages[used].0;
            let ours = MAY_USE.iter().any(|(ours, _)| ours == used);
            if ours && !may_use.contains(&used.as_str()) {
                findings.push(finding(name, format!("must not depend on {used}")));
            }
        }
        if KNOW_NO_RUNTIME.contains(&name) {
            for reached in graph.reach(id) {
                let reached = &graph.packages[&reached].0;
                if reached.starts_with("madsim") || reached == "tokio" {
                    findings.push(finding(name, format!("must not know {reached}")));
                }
            }
        }
        if KNOW_NO_DOOR.contains(&name) {
            let reach = graph.reach(id);
            let doors = reach.iter().map(|reached| &graph.packages[reached].0);
            for door in doors.filter(|reached| DOORS.contains(&reached.as_str())) {
                findings.push(finding(name, format!("must not know {door}")));
            }
        }
    }
    for (name, version) in ESCAPES {
        findings.extend(escapes(graph, name, version));
    }
    findings
}

/// Nobody but madsim may lead to the crate, neither directly nor over one that madsim brings.
fn escapes(graph: &Graph, name: &str, version: &str) -> Vec<Finding> {
    let brought: BTreeSet<String> = graph
        .packages
        .iter()
        .filter(|(_, (n, _))| n.starts_with("madsim"))
        .flat_map(|(id, _)| graph.reach(id))
        .collect();
    let escapes = |id: &String| {
        let (n, v) = &graph.packages[id];
        n == name && v.starts_with(version)
    };
    let leads_there = |id: &String| {
        let from_outside = !graph.packages[id].0.starts_with("madsim");
        let chain = escapes(id) || brought.contains(id) && graph.reach(id).iter().any(escapes);
        from_outside && chain
    };
    let mut findings = Vec::new();
    for (id, uses) in &graph.uses {
        if !brought.contains(id) && uses.iter().any(leads_there) {
            let user = &graph.packages[id].0;
            let what = format!("brings {name} {version}x, whose randomness escapes the simulator");
            findings.push(finding(user, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph { packages: BTreeMap::new(), uses: BTreeMap::new() };
        for (from, to) in edges {
            for id in [from, to] {
                let (name, version) = id.split_once('@').unwrap_or((id, "1.0.0"));
                graph.packages.insert((*id).to_string(), (name.into(), version.into()));
            }
            graph.uses.entry((*from).to_string()).or_default().insert((*to).to_string());
        }
        graph
    }

    fn found(edges: &[(&str, &str)]) -> Vec<String> {
        rules(&graph(edges)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_judge_does_not_know_the_accused() {
        assert_eq!(
            found(&[("mettle-checker", "mettle-server")]),
            ["mettle-checker: must not depend on mettle-server"]
        );
        assert_eq!(
            found(&[("mettle-scenarios", "toml"), ("toml", "tokio")]),
            ["mettle-scenarios: must not know tokio"]
        );
    }

    #[test]
    fn the_judge_knows_no_command_line_and_no_page() {
        assert_eq!(
            found(&[("mettle-checker", "serde"), ("mettle-search", "clap")]),
            ["mettle-search: must not know clap"]
        );
        assert_eq!(
            found(&[("mettle-checker", "mettle-search"), ("mettle-search", "signal-hook")]),
            [
                "mettle-search: must not know signal-hook",
                "mettle-checker: must not know signal-hook"
            ]
        );
    }

    #[test]
    fn only_madsim_may_bring_old_randomness() {
        let allowed = [("madsim", "rand@0.8.5"), ("rand@0.8.5", "getrandom@0.2.1")];
        assert!(found(&allowed).is_empty());
        let escaped = [("mettle-server", "raft"), ("raft", "rand@0.8.5")];
        assert_eq!(
            found(&escaped),
            ["raft: brings rand 0.8.x, whose randomness escapes the simulator"]
        );
        let over_one_of_madsims = [
            ("madsim", "rand_core"),
            ("rand_core", "getrandom@0.2.1"),
            ("mettle-sim", "madsim"),
            ("mettle-server", "rand_core"),
        ];
        assert_eq!(
            found(&over_one_of_madsims),
            ["mettle-server: brings getrandom 0.2.x, whose randomness escapes the simulator"]
        );
    }
}
