//! Rooms and floors: which room of a crate may import which.
//!
//! A *room* is a direct child of a crate's `src/`: a folder, or a file. A *floor* is a line of the list
//! under `## Floors` in ARCHITECTURE.md. A room imports rooms of lower floors only. So the list
//! excludes every circle between rooms, and a reader can start at the ground.

mod floors;
mod imports;
mod layout;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use floors::Floors;

use super::{Finding, Source};

/// Where one room imports another: the file and the line.
type Place = (String, usize);

/// The arrows of a crate: from a room to a room, with the first place that draws each.
type Arrows = BTreeMap<(String, String), Place>;

/// Checks the arrows of every crate against the floors that ARCHITECTURE.md lists.
pub(super) fn check(root: &Path, sources: &[Source]) -> Vec<Finding> {
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    let mut findings = Vec::new();
    let listed = floors::listed(&text, &mut findings);
    for layout in layout::crates(sources) {
        let arrows = match arrows(&layout) {
            Ok(arrows) => arrows,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let rooms = layout.rooms();
        findings.extend(circles(&layout.name, &rooms, &arrows));
        match listed.get(&layout.name) {
            Some(floors) => findings.extend(against(&layout.name, floors, &rooms, &arrows)),
            // A crate of one or two files has no floors to speak of.
            None if rooms.len() <= 2 => {}
            None => findings.push(Finding {
                place: "ARCHITECTURE.md".into(),
                what: format!(
                    "`## Floors` does not list the rooms of {}: `cargo ci floors` prints them",
                    layout.name
                ),
            }),
        }
    }
    findings
}

/// The floors of every crate as its imports have them, in the words of ARCHITECTURE.md; circles and
/// files that cannot be parsed are findings.
pub(crate) fn print(sources: &[Source]) -> (String, Vec<Finding>) {
    let (mut text, mut findings) = (String::new(), Vec::new());
    for layout in layout::crates(sources) {
        let rooms = layout.rooms();
        match arrows(&layout) {
            Ok(arrows) => {
                let found = circles(&layout.name, &rooms, &arrows);
                if found.is_empty() && rooms.len() > 2 {
                    text.push_str(&floors::block_of(&layout.name, &rooms, &arrows));
                }
                findings.extend(found);
            }
            Err(finding) => findings.push(finding),
        }
    }
    (text, findings)
}

/// The arrows between the rooms of a crate.
fn arrows(layout: &layout::Crate<'_>) -> Result<Arrows, Finding> {
    let mut arrows = Arrows::new();
    let doors = imports::doors(layout)?;
    for file in &layout.files {
        for import in imports::of(file, layout, &doors)? {
            if import.room != file.room {
                let place = (file.path.to_owned(), import.line);
                arrows.entry((file.room.clone(), import.room)).or_insert(place);
            }
        }
    }
    Ok(arrows)
}

/// A finding for each circle of rooms.
fn circles(name: &str, rooms: &BTreeSet<String>, arrows: &Arrows) -> Vec<Finding> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        rooms.iter().map(|room| (room.as_str(), reach(room, arrows))).collect();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut findings = Vec::new();
    for room in rooms {
        let circle: Vec<&str> = reached[room.as_str()]
            .iter()
            .copied()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(room.as_str())))
            .collect();
        if circle.is_empty() || told.contains(room.as_str()) {
            continue;
        }
        told.extend(&circle);
        let inside = |(from, to): &&(String, String)| {
            circle.contains(&from.as_str()) && circle.contains(&to.as_str())
        };
        let ties: Vec<String> = arrows
            .keys()
            .filter(inside)
            .map(|key| format!("{} -> {} ({}:{})", key.0, key.1, arrows[key].0, arrows[key].1))
            .collect();
        findings.push(Finding {
            place: name.to_owned(),
            what: format!(
                "the rooms {} import each other in a circle: {}",
                circle.join(", "),
                ties.join(", ")
            ),
        });
    }
    findings
}

/// The rooms that a room reaches over one arrow or more.
fn reach<'a>(room: &str, arrows: &'a Arrows) -> BTreeSet<&'a str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut next: Vec<&str> = targets(room, arrows).collect();
    while let Some(room) = next.pop() {
        if seen.insert(room) {
            next.extend(targets(room, arrows));
        }
    }
    seen
}

fn targets<'a>(room: &str, arrows: &'a Arrows) -> impl Iterator<Item = &'a str> {
    let room = room.to_owned();
    arrows.keys().filter(move |(from, _)| *from == room).map(|(_, to)| to.as_str())
}

/// Arrows that do not lead down, rooms without a floor, and floors without a room.
fn against(name: &str, floors: &Floors, rooms: &BTreeSet<String>, arrows: &Arrows) -> Vec<Finding> {
    let mut findings = Vec::new();
    for room in rooms.iter().filter(|room| !floors.of.contains_key(*room)) {
        findings.push(Finding {
            place: "ARCHITECTURE.md".into(),
            what: format!("`## Floors` gives no floor to the room `{room}` of {name}"),
        });
    }
    for (room, floor) in floors.of.iter().filter(|(room, _)| !rooms.contains(*room)) {
        findings.push(Finding {
            place: format!("ARCHITECTURE.md:{}", floor.line),
            what: format!("{name} has no room `{room}`"),
        });
    }
    for ((from, to), (path, line)) in arrows {
        let (Some(above), Some(below)) = (floors.of.get(from), floors.of.get(to)) else { continue };
        if below.height >= above.height {
            findings.push(Finding {
                place: format!("{path}:{line}"),
                what: format!(
                    "room `{from}` (floor {}) imports room `{to}` (floor {}): move what both \
                     need to a lower floor",
                    above.height, below.height
                ),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests;
