//! The page: one file, no network, everything inside.
//!
//! Rust prepares the data; the assets beside this file draw it. Records are drawn on a canvas, so
//! that a hundred thousand of them move smoothly; times stay in nanoseconds throughout.

use std::io::{self, Write};

use serde::Serialize;

use crate::scene::Scene;

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// In the order in which they run.
const SCRIPTS: [&str; 7] = [
    include_str!("model.js"),
    include_str!("axis.js"),
    include_str!("view.js"),
    include_str!("draw.js"),
    include_str!("mark.js"),
    include_str!("panel.js"),
    include_str!("main.js"),
];

/// What the page says. A run of the simulator fills all of it; of a history alone there are no
/// faults, and nothing of a run.
#[derive(Debug, Default, Serialize)]
pub struct Page<'a> {
    /// At the top.
    pub title: String,
    /// Below it.
    pub subtitle: String,
    /// The one word: `legal`, `pass`, `broken`, `unknown`, `no_convergence`.
    pub verdict: &'a str,
    /// Who found what broke.
    pub checker: Option<&'a str>,
    /// The command that shows the same again.
    pub repro: String,
    /// Numbers with a name: name, number, what is small behind it.
    pub figures: Vec<(String, String, String)>,
    /// Operations answered, failed and unknown.
    pub operations: [u64; 3],
    /// What was found, the one that counts first.
    pub findings: Vec<Finding<'a>>,
    /// When the first violation showed, counted from the scene's base.
    pub violation: Option<u64>,
    /// At which revision.
    pub revision: Option<i64>,
    /// When each fault held.
    pub faults: Vec<Fault<'a>>,
    /// What else is known of the run, as whoever ran it says it; the scripts know its shape.
    /// Nothing of a history alone.
    pub run: serde_json::Value,
    /// What is drawn.
    #[serde(flatten)]
    pub scene: Scene,
}

/// One thing that was found.
#[derive(Debug, Serialize)]
pub struct Finding<'a> {
    /// What it means.
    pub verdict: &'a str,
    /// Who found it.
    pub checker: &'a str,
    /// What.
    pub reason: &'a str,
    /// When, if it has a place in time: counted from the scene's base.
    pub at_ns: Option<u64>,
    /// Ids of the records that show it.
    pub records: &'a [u64],
}

/// One stretch of time in which a fault held.
#[derive(Debug, Serialize)]
pub struct Fault<'a> {
    /// Its number.
    pub id: u32,
    /// Its kind.
    pub name: &'a str,
    /// The family that gives it its colour: `network`, `process`, `disk` or `clock`, if it is known.
    pub family: Option<&'a str>,
    /// What members it has struck do meanwhile.
    pub meanwhile: Meanwhile,
    /// Whom it struck.
    pub target: &'a str,
    /// Begin.
    pub start: u64,
    /// End, if before the end of the run.
    pub end: Option<u64>,
}

/// What a member does while a fault that has struck it holds.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meanwhile {
    /// It runs.
    Running,
    /// It stands still, and still believes that it leads if it did.
    Frozen,
    /// Its process does not exist.
    Down,
}

impl Page<'_> {
    /// As a file.
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

/// What is written inside a script element: only `</` and `<!--` could end it early.
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
