//! How a crate is laid out: its source files, their modules and rooms.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Source;

/// A crate of ours, without its tests.
pub(super) struct Crate<'a> {
    /// Its folder, such as `server` or `checker/search`.
    pub(super) name: String,
    /// Its source files, tests left out.
    pub(super) files: Vec<File<'a>>,
    /// The room of each macro that the crate defines.
    pub(super) macros: BTreeMap<String, String>,
}

/// A source file of a crate.
pub(super) struct File<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    /// The file's module path below the crate: `[]` for `lib.rs`, `["a", "b"]` for `a/b.rs`.
    pub(super) module: Vec<String>,
    /// The room: the first word of the module path, or the file's own name at the root.
    pub(super) room: String,
}

impl Crate<'_> {
    /// The names of the rooms.
    pub(super) fn rooms(&self) -> BTreeSet<String> {
        self.files.iter().map(|file| file.room.clone()).collect()
    }
}

/// The crates of the tree: every folder with a `src/`.
pub(super) fn crates(sources: &[Source]) -> Vec<Crate<'_>> {
    let mut found: BTreeMap<String, Vec<File<'_>>> = BTreeMap::new();
    for source in sources {
        let Some((folder, inside)) = source.path.split_once("/src/") else { continue };
        let Some(module) = module(inside) else { continue };
        let room = match module.first() {
            Some(room) => room.clone(),
            None => inside.trim_end_matches(".rs").to_owned(),
        };
        let file = File { path: &source.path, text: &source.text, module, room };
        found.entry(folder.to_owned()).or_default().push(file);
    }
    let whole = |(name, files): (String, Vec<_>)| {
        let macros = macros(&files);
        Crate { name, files, macros }
    };
    found.into_iter().map(whole).collect()
}

/// The module of a file, or `None` for a file of tests.
fn module(inside: &str) -> Option<Vec<String>> {
    let bare = inside.strip_suffix(".rs")?;
    let mut words: Vec<String> = bare.split('/').map(str::to_owned).collect();
    if words.iter().any(|word| word == "tests" || word == "testscripts") {
        return None;
    }
    let last = words.last()?.as_str();
    if last == "mod" || (words.len() == 1 && (last == "lib" || last == "main")) {
        words.pop();
    }
    Some(words)
}

/// Where each exported macro is defined: its path starts at the crate, whatever its file.
fn macros(files: &[File<'_>]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for file in files {
        for line in file.text.lines() {
            if let Some(rest) = line.strip_prefix("macro_rules! ") {
                let name = rest.split([' ', '{', '(']).next().unwrap_or_default();
                found.insert(name.to_owned(), file.room.clone());
            }
        }
    }
    found
}
