//! Circles and arrows of small crates.

use super::*;

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    files
        .iter()
        .map(|(path, text)| Source { path: format!("house/src/{path}"), text: (*text).to_owned() })
        .collect()
}

/// What is found in a crate with these files and these floors.
fn found(floors: &str, files: &[(&str, &str)]) -> Vec<String> {
    let sources = sources(files);
    let mut findings = Vec::new();
    let listed = floors::listed(&format!("```floors house\n{floors}```\n"), &mut findings);
    for layout in layout::crates(&sources) {
        let arrows = arrows(&layout).expect("the files can be parsed");
        let rooms = layout.rooms();
        findings.extend(circles(&layout.name, &rooms, &arrows));
        findings.extend(against(&layout.name, &listed["house"], &rooms, &arrows));
    }
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_house_in_order_has_no_finding() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use b::B;"),
        ("a.rs", "use crate::B;"),
        ("b/mod.rs", "pub struct B;"),
    ];
    assert_eq!(found("lib\na\nb\n", &files), Vec::<String>::new());
}

#[test]
fn a_circle_between_rooms_is_found_with_what_ties_it() {
    let files = [
        ("lib.rs", ""),
        ("a.rs", "use crate::b::B;"),
        ("b/c.rs", "\nfn f(_: super::super::a::A) {}"),
    ];
    let said = found("lib\na\nb\n", &files);
    assert_eq!(
        said[0],
        "house: the rooms a, b import each other in a circle: a -> b (house/src/a.rs:1), b -> a \
         (house/src/b/c.rs:2)"
    );
    assert_eq!(said.len(), 2, "the circle and its arrow up: {said:?}");
}

#[test]
fn an_arrow_up_and_an_arrow_along_a_floor_are_found() {
    let files = [("lib.rs", ""), ("a.rs", ""), ("b.rs", "fn f() { crate::a::go() }")];
    let up = "house/src/b.rs:1: room `b` (floor 1) imports room `a` (floor 2): move what both \
              need to a lower floor";
    assert_eq!(found("lib\na\nb\n", &files), [up]);
    assert_eq!(found("lib\na b\n", &files).len(), 1);
    assert!(found("lib\nb\na\n", &files).is_empty());
}

#[test]
fn rooms_and_floors_must_match() {
    let files = [("lib.rs", ""), ("a.rs", "")];
    assert_eq!(
        found("lib\nb\n", &files),
        [
            "ARCHITECTURE.md: `## Floors` gives no floor to the room `a` of house",
            "ARCHITECTURE.md:3: house has no room `b`"
        ]
    );
    assert_eq!(found("lib a\na\n", &files).len(), 1);
}

#[test]
fn macros_count_and_tests_do_not() {
    let files = [
        ("lib.rs", ""),
        (
            "a.rs",
            "fn f() { assert!(crate::b::go(), \"{}\", 1) }\n#[cfg(test)]\nmod tests { use crate::c::C; }",
        ),
        ("b.rs", "#[macro_export]\nmacro_rules! probe { () => {} }"),
        ("b/tests.rs", "use crate::a::A;"),
        ("c.rs", "use crate::probe;"),
    ];
    assert!(found("lib\na c\nb\n", &files).is_empty());
    assert_eq!(found("lib\na b c\n", &files).len(), 2);
}

#[test]
fn floors_are_printed_as_they_are_read() {
    let files =
        [("lib.rs", "pub use b::B;"), ("a.rs", "use crate::b::B;"), ("b.rs", ""), ("c.rs", "")];
    let (text, findings) = print(&sources(&files));
    assert_eq!(text, "```floors house\na lib\nb c\n```\n");
    assert!(findings.is_empty());
    assert!(found("a lib\nb c\n", &files).is_empty());
}
