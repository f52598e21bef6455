//! The page: one file that needs no network.
//!
//! Rust prepares the data, and the assets beside this file draw it. Records are drawn on a canvas,
//! so that a hundred thousand of them move smoothly. Times stay in nanoseconds throughout.

use std::io::{self, Write};

use serde::Serialize;

use crate::scene::Scene;

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// The scripts, in the order in which they run.
const SCRIPTS: [&str; 7] = [
    include_str!("model.js"),
    include_str!("axis.js"),
    include_str!("view.js"),
    include_str!("draw.js"),
    include_str!("mark.js"),
    include_str!("panel.js"),
    include_str!("main.js"),
];

/// The data of a page. A run of the simulator fills all fields; a history alone has no faults and
/// no run.
#[derive(Debug, Default, Serialize)]
pub struct Page<'a> {
    /// The headline.
    pub title: String,
    /// The line below the headline.
    pub subtitle: String,
    /// The verdict: `legal`, `pass`, `broken`, `unknown`, `no_convergence`.
    pub verdict: &'a str,
    /// The check that found the violation.
    pub checker: Option<&'a str>,
    /// The command that reproduces the run.
    pub repro: String,
    /// Figures: name, number, and a note in small print.
    pub figures: Vec<(String, String, String)>,
    /// Operations answered, failed and unknown.
    pub operations: [u64; 3],
    /// The findings, the decisive one first.
    pub findings: Vec<Finding<'a>>,
    /// The time of the first violation, counted from the scene's base.
    pub violation: Option<u64>,
    /// The revision of the violation.
    pub revision: Option<i64>,
    /// The faults, with their times.
    pub faults: Vec<Fault<'a>>,
    /// Further data about the run, whose shape the scripts know. Empty for a history alone.
    pub run: serde_json::Value,
    /// The scene.
    #[serde(flatten)]
    pub scene: Scene,
}

/// One finding.
#[derive(Debug, Serialize)]
pub struct Finding<'a> {
    /// The verdict of the finding.
    pub verdict: &'a str,
    /// The check behind the finding.
    pub checker: &'a str,
    /// The sentence of the finding.
    pub reason: &'a str,
    /// The time of the finding, if it has one, counted from the scene's base.
    pub at_ns: Option<u64>,
    /// The ids of the records that prove the finding.
    pub records: &'a [u64],
}

/// One period in which a fault was in effect.
#[derive(Debug, Serialize)]
pub struct Fault<'a> {
    /// The fault's number.
    pub id: u32,
    /// The fault's kind.
    pub name: &'a str,
    /// The family of the fault, which decides its colour: `network`, `process`, `disk` or `clock`,
    /// if known.
    pub family: Option<&'a str>,
    /// The state of the targeted members meanwhile.
    pub meanwhile: Meanwhile,
    /// The targeted members.
    pub target: &'a str,
    /// The start.
    pub start: u64,
    /// The end, if it lies before the end of the run.
    pub end: Option<u64>,
}

/// The state of a member while a fault targets it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meanwhile {
    /// The member runs.
    Running,
    /// The member stands still, and still believes that it leads if it did.
    Frozen,
    /// The member's process does not exist.
    Down,
}

impl Page<'_> {
    /// Renders the page as one file.
    pub fn render(&self) -> String {
        let title = format!("{}: {}", self.verdict, self.title);
        let (before, after) = FRAME.split_once("{{data}}").expect("a place for the data");
        let mut page = before.replace("{{style}}", STYLE).replace("{{title}}", &escaped(&title));
        let mut data = Inside(std::mem::take(&mut page).into_bytes());
        serde_json::to_writer(&mut data, self).expect("only string keys");
        page = String::from_utf8(data.0).expect("JSON is text");
        page += &after.replace("{{script}}", &SCRIPTS.concat());
        page
    }
}

/// Escapes text inside a script element: only `</` and `<!--` could end the element early.
struct Inside(Vec<u8>);

impl Write for Inside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for (at, part) in bytes.split(|byte| *byte == b'<').enumerate() {
            if at > 0 {
                self.0.extend_from_slice(b"\\u003c");
            }
            self.0.extend_from_slice(part);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
