//! Directories and names, as the running system sees them and as they would survive.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Result};

use super::file::FileId;

/// One state of the directory tree. The root is always there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) files: BTreeMap<String, FileId>,
    pub(super) directories: BTreeSet<String>,
}

/// A change of one directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NameChange {
    Create { path: String, file: FileId },
    Directory { path: String },
    Rename { from: String, to: String, file: FileId },
    Remove { path: String },
}

impl NameChange {
    /// The directory whose sync makes it durable.
    pub(super) fn directory(&self) -> &str {
        match self {
            NameChange::Create { path, .. }
            | NameChange::Directory { path }
            | NameChange::Remove { path }
            | NameChange::Rename { to: path, .. } => parent(path),
        }
    }
}

/// The directory a path lies in; the root is empty.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// A path without slashes at its ends and without the word for "here".
pub(super) fn normal(path: &str) -> &str {
    let path = path.trim_matches('/');
    if path == "." { "" } else { path.strip_prefix("./").unwrap_or(path) }
}

impl Tree {
    pub(super) fn apply(&mut self, change: &NameChange) {
        match change {
            NameChange::Create { path, file } => {
                self.files.insert(path.clone(), *file);
            }
            NameChange::Directory { path } => {
                self.directories.insert(path.clone());
            }
            NameChange::Rename { from, to, file } => {
                // The old name may be another file's by now, if its directory was synced first.
                if self.files.get(from) == Some(file) {
                    self.files.remove(from);
                }
                self.files.insert(to.clone(), *file);
            }
            NameChange::Remove { path } => {
                self.files.remove(path);
            }
        }
    }

    pub(super) fn has_directory(&self, directory: &str) -> bool {
        directory.is_empty() || self.directories.contains(directory)
    }

    pub(super) fn require_directory(&self, directory: &str) -> Result<()> {
        if self.has_directory(directory) { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
    }

    pub(super) fn require_file(&self, path: &str) -> Result<FileId> {
        self.files.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Names of the entries of a directory, sorted.
    pub(super) fn list(&self, directory: &str) -> Result<Vec<String>> {
        self.require_directory(directory)?;
        let inside = |path: &&String| !path.is_empty() && parent(path) == directory;
        let name = |path: &String| path.rsplit('/').next().unwrap_or(path).to_owned();
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter(inside)
            .chain(self.directories.iter().filter(inside))
            .map(name)
            .collect();
        names.sort();
        Ok(names)
    }

    /// Drops what lies in a directory that is not there.
    pub(super) fn prune(&mut self) {
        let reachable = |directories: &BTreeSet<String>, path: &str| {
            let mut directory = parent(path);
            while !directory.is_empty() {
                if !directories.contains(directory) {
                    return false;
                }
                directory = parent(directory);
            }
            true
        };
        let directories = self.directories.clone();
        self.directories.retain(|path| reachable(&directories, path));
        self.files.retain(|path, _| reachable(&directories, path));
    }
}
