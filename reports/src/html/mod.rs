//! The page that opens from the report folder: one file, no network, everything inside.
//!
//! Rust prepares the data (`data` picks what the page shows, `lanes` groups processes into the
//! lanes of clients); the assets beside this file draw it. Records are drawn on a canvas, so that
//! ten thousand of them move smoothly; times stay in nanoseconds throughout.

mod data;
mod lanes;
#[cfg(test)]
mod tests;

use mettle_checker::history::History;
use mettle_scenarios::Plan;

use crate::timeline::Timeline;
use crate::verdict::Verdict;

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// In the order in which they run.
const SCRIPTS: [&str; 5] = [
    include_str!("model.js"),
    include_str!("view.js"),
    include_str!("draw.js"),
    include_str!("panel.js"),
    include_str!("main.js"),
];

/// The page as text.
pub fn page(plan: &Plan, history: &History, verdict: &Verdict, timeline: &Timeline) -> String {
    let data = data::collect(plan, history, verdict, timeline);
    // Inside a script element only `</` and `<!--` could end the data early.
    let data = serde_json::to_string(&data).expect("only string keys").replace('<', "\\u003c");
    let title = format!("{} {} seed {}", verdict.verdict.name(), verdict.scenario, verdict.seed);
    // The data comes last: it may hold any text, the names of the other places as well.
    FRAME
        .replace("{{title}}", &escaped(&title))
        .replace("{{style}}", STYLE)
        .replace("{{script}}", &SCRIPTS.concat())
        .replacen("{{data}}", &data, 1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
