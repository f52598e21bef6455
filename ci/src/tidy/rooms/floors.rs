//! The list of floors, as ARCHITECTURE.md has it: one block of text a crate, the top floor first.

use std::collections::{BTreeMap, BTreeSet};

use super::{Arrows, Finding, targets};

/// What opens a list: three backticks and `floors`, then the crate's name.
const FENCE: &str = "```floors ";

/// The floors of one crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Floors {
    /// The floor of each room.
    pub(super) of: BTreeMap<String, Floor>,
}

/// Where a room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Floor {
    /// Counted from the ground, which is 1.
    pub(super) height: usize,
    /// The line of ARCHITECTURE.md that says so.
    pub(super) line: usize,
}

/// The lists of a text, by crate. A room that stands twice is a finding.
pub(super) fn listed(text: &str, findings: &mut Vec<Finding>) -> BTreeMap<String, Floors> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        let Some(name) = line.strip_prefix(FENCE) else { continue };
        let rows: Vec<(usize, &str)> =
            lines.by_ref().take_while(|(_, line)| !line.starts_with("```")).collect();
        found.insert(name.trim().to_owned(), block(&rows, findings));
    }
    found
}

/// One block; its last row is the ground floor.
fn block(rows: &[(usize, &str)], findings: &mut Vec<Finding>) -> Floors {
    let mut floors = Floors::default();
    for (height, (number, row)) in (1..).zip(rows.iter().rev()) {
        let line = number + 1;
        for room in row.split_whitespace() {
            if floors.of.insert(room.to_owned(), Floor { height, line }).is_some() {
                findings.push(Finding {
                    place: format!("ARCHITECTURE.md:{line}"),
                    what: format!("`{room}` stands on two floors: name it once"),
                });
            }
        }
    }
    floors
}

/// The block of a crate whose rooms are in no circle: each room as low as its imports let it stand.
pub(super) fn block_of(name: &str, rooms: &BTreeSet<String>, arrows: &Arrows) -> String {
    let mut heights: BTreeMap<&str, usize> = BTreeMap::new();
    while heights.len() < rooms.len() {
        for room in
            rooms.iter().filter(|room| !heights.contains_key(room.as_str())).collect::<Vec<_>>()
        {
            let below: Option<Vec<usize>> =
                targets(room, arrows).map(|target| heights.get(target).copied()).collect();
            if let Some(below) = below {
                heights.insert(room, below.into_iter().max().unwrap_or(0) + 1);
            }
        }
    }
    let top = heights.values().copied().max().unwrap_or(0);
    let mut text = format!("{FENCE}{name}\n");
    for height in (1..=top).rev() {
        let row: Vec<&str> =
            heights.iter().filter(|(_, own)| **own == height).map(|(room, _)| *room).collect();
        text.push_str(&row.join(" "));
        text.push('\n');
    }
    text.push_str("```\n");
    text
}
