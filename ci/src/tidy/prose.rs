//! Sentences in comments that lean on pronouns: a reader must look for each noun elsewhere.
//!
//! A sentence's *density* is its pronouns by its words. `cargo ci prose` prints the densest.

use super::{Finding, Source};

/// Sentences shorter than this are not weighed: one pronoun would decide.
const WORDS_MIN: usize = 8;

/// A sentence of this density or more is a finding, in thousandths.
const DENSITY_MAX: usize = 400;

/// Words that stand for a noun.
const PRONOUNS: [&str; 35] = [
    "another", "any", "both", "each", "either", "here", "it", "its", "itself", "neither", "nobody",
    "none", "one", "ones", "other", "others", "same", "so", "some", "such", "that", "their",
    "them", "there", "these", "they", "this", "those", "what", "whatever", "which", "who",
    "whoever", "whom", "whose",
];

/// One sentence of a comment.
#[derive(Debug)]
pub(crate) struct Sentence {
    /// The file.
    pub(crate) path: String,
    /// The line where its comment starts.
    pub(crate) line: usize,
    /// The sentence.
    pub(crate) text: String,
    /// Pronouns by words, in thousandths.
    pub(crate) density: usize,
}

/// A finding for each sentence that is too dense.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    sentences(source)
        .into_iter()
        .filter(|sentence| sentence.density >= DENSITY_MAX)
        .map(|sentence| Finding {
            place: format!("{}:{}", sentence.path, sentence.line),
            what: format!("too many pronouns, name the nouns: {}", sentence.text),
        })
        .collect()
}

/// The `count` densest sentences of a tree, and every sentence as dense as the last of them.
pub(super) fn densest(sources: &[Source], count: usize) -> Vec<Sentence> {
    let mut all: Vec<Sentence> = sources.iter().flat_map(sentences).collect();
    all.sort_by(|a, b| b.density.cmp(&a.density).then_with(|| a.path.cmp(&b.path)));
    let last = all.get(count.saturating_sub(1)).map_or(0, |sentence| sentence.density);
    all.retain(|sentence| sentence.density >= last);
    all
}

/// The weighed sentences of a file's comments, tests left out.
fn sentences(source: &Source) -> Vec<Sentence> {
    let path = &source.path;
    let mut found = Vec::new();
    let (mut start, mut comment) = (0, String::new());
    for (number, line) in source.without_tests().lines().chain([""]).enumerate() {
        if let Some(words) = words_of(line) {
            if comment.is_empty() {
                start = number + 1;
            }
            comment.push_str(words);
            comment.push(' ');
        } else {
            let split = split(&comment).into_iter().filter_map(|text| weighed(path, start, text));
            found.extend(split);
            comment.clear();
        }
    }
    found
}

/// The words of a line that is a comment; tables, lists, headings and code are none.
fn words_of(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("//")?.trim_start_matches(['/', '!']).trim();
    (!rest.is_empty() && !rest.starts_with(['|', '-', '*', '#', '`'])).then_some(rest)
}

/// The sentences of a comment.
fn split(comment: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, _) in comment.match_indices(". ") {
        let next = comment[at + 2..].chars().next();
        if next.is_none_or(|next| next.is_uppercase() || next == '`' || next == '[') {
            sentences.push(&comment[start..=at]);
            start = at + 2;
        }
    }
    if start < comment.len() {
        sentences.push(comment[start..].trim());
    }
    sentences
}

/// A sentence with its density, unless it is too short to say.
fn weighed(path: &str, line: usize, text: &str) -> Option<Sentence> {
    // A name in backticks is one word, and no pronoun.
    let plain: String = text
        .split('`')
        .enumerate()
        .map(|(at, part)| if at % 2 == 0 { part } else { "X" })
        .collect();
    let words: Vec<&str> = plain
        .split(|c: char| !c.is_alphabetic() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    if words.len() < WORDS_MIN {
        return None;
    }
    let pronouns = words
        .iter()
        .filter(|word| PRONOUNS.binary_search(&word.to_lowercase().as_str()).is_ok())
        .count();
    let density = pronouns * 1000 / words.len();
    Some(Sentence { path: path.to_owned(), line, text: text.to_owned(), density })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { path: "a.rs".into(), text: text.into() }
    }

    #[test]
    fn pronouns_are_in_order() {
        assert!(PRONOUNS.is_sorted());
    }

    #[test]
    fn a_sentence_of_pronouns_is_found_and_a_plain_one_is_not() {
        let hard = source(
            "/// Whoever needs it says which of those that one is, whatever it is.\n/// The log is cut.\nfn f() {}\n",
        );
        assert_eq!(densest(std::slice::from_ref(&hard), 9).len(), 1, "the second is too short");
        assert_eq!(check(&hard).len(), 1);
        let plain =
            source("// The applier writes the applied index and `it` in one transaction.\n");
        let weighed = densest(std::slice::from_ref(&plain), 9);
        assert_eq!(weighed[0].density, 90, "of eleven words `one` alone is a pronoun");
        assert!(check(&plain).is_empty());
    }
}
