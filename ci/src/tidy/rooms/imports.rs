//! What a source file imports from its own crate: `use` trees, paths in code, and paths in macros.
//!
//! Test modules are left out. A name that `lib.rs` only hands on counts for the room that defines it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::super::Finding;
use super::layout::{Crate, File};

/// A room that a file imports, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) room: String,
    pub(super) line: usize,
}

/// The rooms that a file imports, its own room included, in the order of the file.
pub(super) fn of(
    file: &File<'_>,
    layout: &Crate<'_>,
    doors: &BTreeMap<String, String>,
) -> Result<Vec<Import>, Finding> {
    let parsed = parse(file)?;
    let rooms: BTreeSet<&str> = layout.files.iter().map(|file| file.room.as_str()).collect();
    // In `lib.rs` and `main.rs` a path may also start with the room itself.
    let bare = if file.module.is_empty() { rooms.clone() } else { BTreeSet::new() };
    let mut collector = Collector { module: file.module.clone(), bare, paths: Vec::new() };
    collector.visit_file(&parsed);
    let room = |path: &[String]| -> Option<String> {
        let first = path.first()?;
        if rooms.contains(first.as_str()) {
            return Some(first.clone());
        }
        let known = doors.get(first).or_else(|| layout.macros.get(first));
        Some(known.cloned().unwrap_or_else(|| "lib".to_owned()))
    };
    let found = collector.paths.into_iter();
    Ok(found.filter_map(|(path, line)| Some(Import { room: room(&path)?, line })).collect())
}

fn parse(file: &File<'_>) -> Result<syn::File, Finding> {
    syn::parse_file(file.text).map_err(|error| Finding {
        place: format!("{}:{}", file.path, error.span().start().line),
        what: format!("cannot be parsed: {error}"),
    })
}

/// The names that `lib.rs` hands on, and the room that each comes from.
pub(super) fn doors(layout: &Crate<'_>) -> Result<BTreeMap<String, String>, Finding> {
    let Some(lib) = layout.files.iter().find(|file| file.room == "lib") else {
        return Ok(BTreeMap::new());
    };
    let mut doors = BTreeMap::new();
    for item in parse(lib)?.items {
        let syn::Item::Use(item) = item else { continue };
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for path in paths {
            let start =
                usize::from(path.first().is_some_and(|word| word == "crate" || word == "self"));
            if let (Some(room), Some(name)) = (path.get(start), path.last()) {
                doors.insert(name.clone(), room.clone());
            }
        }
    }
    Ok(doors)
}

/// Every path of a `use` tree; the last word is the name as the file then calls it.
fn flatten(tree: &syn::UseTree, before: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    match tree {
        syn::UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, paths);
            before.pop();
        }
        syn::UseTree::Name(name) => paths.push(with(before, name.ident.to_string())),
        syn::UseTree::Rename(rename) => paths.push(with(before, rename.ident.to_string())),
        syn::UseTree::Glob(_) => paths.push(with(before, "*".to_owned())),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, paths);
            }
        }
    }
}

fn with(before: &[String], last: String) -> Vec<String> {
    let mut path = before.to_vec();
    path.push(last);
    path
}

/// Walks a file and keeps the paths that lead into the crate, as seen from the crate.
struct Collector<'a> {
    /// The module that is being walked.
    module: Vec<String>,
    /// Rooms that a path may start with.
    bare: BTreeSet<&'a str>,
    /// Paths below the crate, each with its line.
    paths: Vec<(Vec<String>, usize)>,
}

impl Collector<'_> {
    /// Keeps a path that starts with `crate`, `self`, `super` or a bare room.
    fn keep(&mut self, path: &[String], line: usize) {
        let mut base = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            Some(room) if self.bare.contains(room) => Vec::new(),
            _ => return,
        };
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            rest = after;
        }
        base.extend(rest.iter().cloned());
        self.paths.push((base, line));
    }

    /// Keeps the paths that stand in the tokens of a macro.
    fn keep_tokens(&mut self, tokens: TokenStream) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            match &trees[at] {
                TokenTree::Group(group) => self.keep_tokens(group.stream()),
                TokenTree::Ident(ident) if ident == "crate" || ident == "super" => {
                    let line = ident.span().start().line;
                    let (path, after) = path_at(&trees, at);
                    self.keep(&path, line);
                    at = after;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }
}

/// The path that starts at a token, and the place after it.
fn path_at(trees: &[TokenTree], start: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut at = start;
    while let Some(TokenTree::Ident(ident)) = trees.get(at) {
        path.push(ident.to_string());
        at += 1;
        let colon = |tree: Option<&TokenTree>| matches!(tree, Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
        if !(colon(trees.get(at)) && colon(trees.get(at + 1))) {
            break;
        }
        at += 2;
    }
    (path, at)
}

/// Whether an item stands under `#[cfg(test)]`.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if is_test(&item.attrs) {
            return;
        }
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for path in paths {
            self.keep(&path, item.span().start().line);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.keep(&words, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.keep_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    // `pub(crate)` and `pub(in crate::a)` are no imports.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}
