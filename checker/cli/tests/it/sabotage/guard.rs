//! Every sentence in the sources is shown by a sample: the fixed words of each string literal in the
//! judging rooms stand somewhere in the golden words, or in the list of those that no history reaches.

use std::path::{Path, PathBuf};

/// Rooms whose literals become part of what is said.
const ROOMS: [&str; 21] = [
    "cli/src/judge.rs",
    "cli/src/rows.rs",
    "search/src",
    "src/assumptions.rs",
    "src/budget.rs",
    "src/check.rs",
    "src/early_expiry.rs",
    "src/follow",
    "src/fallback_search",
    "src/header.rs",
    "src/lease",
    "src/refusal",
    "src/serializable.rs",
    "src/model/mismatch.rs",
    "src/linearizability",
    "src/session.rs",
    "src/minimize.rs",
    "src/initial_store",
    "src/streams",
    "src/watch",
    "src/words",
];

/// The string literals of a source, without comments, tests, and what is said only of bugs of our own.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let source = without_assertions(source);
    let mut found = Vec::new();
    let mut left = source.as_str();
    while let Some(at) = left.find(['"', '/', '\'']) {
        let (before, rest) = left.split_at(at);
        if rest.starts_with("//") {
            left = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(quoted) = rest.strip_prefix('\'') {
            // A character, or a lifetime.
            let escaped = quoted.starts_with('\\');
            let length = quoted.char_indices().nth(if escaped { 2 } else { 1 });
            let end = length.map(|(end, _)| end).filter(|end| quoted[*end..].starts_with('\''));
            left = end.map_or(quoted, |end| &quoted[end + 1..]);
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let end = closing(quoted);
            let bug =
                ["expect(", "reason = ", "unreachable!("].iter().any(|by| before.ends_with(by));
            let told = !before.trim_end().ends_with("question:");
            if told && !bug {
                found.push(unescaped(&quoted[..end]));
            }
            left = &quoted[end + 1..];
        } else {
            left = &rest[1..];
        }
    }
    found
}

/// A source without its assertions: their words are of bugs of our own, and no verdict carries them.
fn without_assertions(source: &str) -> String {
    let mut kept = String::new();
    let mut left = source;
    let begins =
        |text: &str| ["assert!(", "assert_eq!(", "assert_ne!("].map(|word| text.find(word));
    while let Some(start) = begins(left).into_iter().flatten().min() {
        kept.push_str(&left[..start]);
        left = &left[start..];
        let open = left.find('(').expect("an assertion has an argument");
        left = &left[open + parenthesis(&left[open..])..];
    }
    kept.push_str(left);
    kept
}

/// How long a text in parentheses is that stands at the beginning; literals inside count as one.
fn parenthesis(text: &str) -> usize {
    let (mut depth, mut at) = (0_i32, 0);
    while let Some(character) = text[at..].chars().next() {
        at += character.len_utf8();
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            '"' => at += closing(&text[at..]) + 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Where a literal ends.
fn closing(quoted: &str) -> usize {
    let mut escaped = false;
    let end = quoted.char_indices().find(|(_, character)| {
        let ends = *character == '"' && !escaped;
        escaped = *character == '\\' && !escaped;
        ends
    });
    end.map_or(quoted.len() - 1, |(end, _)| end)
}

fn unescaped(literal: &str) -> String {
    let joined: Vec<&str> = literal.split("\\\n").collect();
    let mut text = joined[0].to_owned();
    for line in &joined[1..] {
        text += line.trim_start();
    }
    text.replace("\\\"", "\"")
}

/// The parts of a literal between its placeholders that are words: two at least.
fn fragments(literal: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in literal.chars() {
        match character {
            '{' => {
                depth += 1;
                parts.push(String::new());
            }
            '}' => depth -= 1,
            _ if depth == 0 => parts.last_mut().expect("one").push(character),
            _ => {}
        }
    }
    let trimmed = parts.iter().map(|part| part.trim());
    let words = trimmed.filter(|part| {
        part.split(' ').filter(|word| word.chars().any(char::is_alphabetic)).count() > 1
    });
    words.map(str::to_owned).collect()
}

fn sources(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_file() {
        let rust = path.extension().is_some_and(|extension| extension == "rs");
        if rust && !path.ends_with("tests.rs") {
            into.push(path.to_owned());
        }
        return;
    }
    let mut inside: Vec<PathBuf> = std::fs::read_dir(path)
        .expect("a room")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    inside.sort();
    for path in inside {
        sources(&path, into);
    }
}

/// As one line: the terminal breaks sentences.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn words_of_assertions_are_no_sentences() {
    let source = "f(\"one two\"); assert_eq!(a(1), 2, \"bug (three {four}\", x); g(\"five six\")";
    assert_eq!(literals(source), ["one two", "five six"]);
}

#[test]
fn every_sentence_has_a_sample() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut golden = String::new();
    let folder = root.join("tests/it/sabotage/words");
    for entry in std::fs::read_dir(folder).expect("the golden words") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        golden += &flat(&text);
        golden.push('\n');
    }
    let mut unshown = Vec::new();
    let mut listed = vec![false; UNREACHED.len()];
    let mut examined = 0;
    for room in ROOMS {
        let mut files = Vec::new();
        sources(&root.join("..").join(room), &mut files);
        for file in files {
            let source = std::fs::read_to_string(&file).expect("a source");
            let all = literals(&source);
            for fragment in all.iter().flat_map(|literal| fragments(literal)) {
                examined += 1;
                let shown = golden.contains(&flat(&fragment));
                match UNREACHED.iter().position(|(text, _)| *text == fragment) {
                    Some(at) if !shown => listed[at] = true,
                    None if !shown => unshown.push(format!("{}: {fragment}", file.display())),
                    _ => {}
                }
            }
        }
    }
    assert!(examined > 200, "only {examined} fragments were found: the scan is broken");
    assert!(unshown.is_empty(), "no sample shows:\n{}", unshown.join("\n"));
    let stale: Vec<&str> =
        UNREACHED.iter().zip(&listed).filter(|(_, seen)| !**seen).map(|(one, _)| one.0).collect();
    assert!(stale.is_empty(), "listed, but shown or gone:\n{}", stale.join("\n"));
}

/// What no sample shows, and why.
const UNREACHED: &[(&str, &str)] = &[
    // Only who calls the library can build such a record: readers give each answer the kind of its
    // request, and refuse a return before the call in words of their own.
    ("the answer is not of the request's kind", "library only"),
    ("record the answer to this very request", "library only"),
    ("it returned before it was called", "library only"),
    // 200,000 records, or 2,000,000 steps: too long for a sample.
    ("which unknown write made revision", "follow: after a guess that fell out of the window"),
    ("was guessed", "the same"),
    (", so this proves nothing:", "the same, or an interrupt"),
    (
        "the recording was interrupted, and what was in flight is not in it",
        "an interrupt: follow_command.rs",
    ),
    ("; there may be a smaller contradiction: the steps for that ran out", "2,000,000 steps"),
    ("(there may be a smaller contradiction: the steps for that ran out)", "400,000 steps"),
    // A megabyte of memory is the least that can be allowed; tests/memory.rs goes beyond it.
    ("judging it takes up to", "more memory than a sample has"),
    ("MB of memory, and", "the same"),
    ("MB are allowed; --memory gives more", "the same"),
    ("the memory for a search ran out (more than", "the same"),
    ("MB are needed,", "the same"),
    ("are left)", "the same"),
    ("a search ran out of memory (", "the same"),
    ("MB were taken for its choices)", "the same"),
    (
        "records would have to be kept to the end: the recording does not say what the store held \
         before it, or an answer has no header; judge the whole of it without following it",
        "follow: a million records",
    ),
    (", but lease", "follow: a lease that ended in what was let go"),
    ("had ended by itself", "the same"),
    ("by revision", "the same"),
    // Without a write of unknown outcome or a lease nothing is searched.
    ("; so it is", "a search without anything to place"),
    // No sentence: markers that words::mismatch turns into one, and a key.
    ("without it", "told as: without K=V"),
    ("each once", "told as: with a key twice"),
    ("an answer of the operation's kind", "told as: an answer of another kind"),
    ("\\0the end of lease \\0", "the internal key of a lease's end"),
    // Earlier checks refuse every such history that we could think of; the words are there in case
    // they do not.
    (
        "as a change, but there was nothing there that it could change",
        "a deletion that deletes nothing is refused for its count first",
    ),
    (
        "succeeded, but no moment of its call lies between the answers around it: it must come \
         after all compactions at lower revisions and before those at higher ones",
        "two compactions whose bounds cross are out of order in real time first",
    ),
    (
        "came after a change that its transaction made after it",
        "the change that came too early is told first",
    ),
    ("operations, then", "needs nine operations that contradict only all together"),
    ("no place is left for it", "the search over the few always finds what it is stuck at"),
];
