//! Operations on directories and names.

use std::io::{ErrorKind, Result};

use mettle_server::platform::Open;

use super::contents::{Change, FileContents};
use super::file::{FileClass, FileId};
use super::names::{NameChange, normal, parent};
use super::operation::{Caller, Completion, Operation};
use super::volume::{Barrier, Target, UnsyncedName, Volume};

/// The class of a directory: that of the files in it.
fn class_of(directory: &str) -> FileClass {
    FileClass::of(&format!("{directory}/"))
}

impl Volume {
    /// Names of the entries of a directory, sorted.
    pub fn list(&mut self, caller: Caller, directory: &str) -> Completion<Vec<String>> {
        let directory = normal(directory);
        let result = self
            .check(caller.incarnation)
            .and_then(|()| self.strike(class_of(directory), Operation::Open))
            .and_then(|()| self.names.list(directory));
        Completion { result, due_ns: self.spend(caller, Operation::Open, 0) }
    }

    /// Creates a directory and its parents.
    pub fn create_dir(&mut self, caller: Caller, directory: &str) -> Completion<()> {
        let directory = normal(directory);
        let permitted = self
            .check(caller.incarnation)
            .and_then(|()| self.strike(class_of(directory), Operation::ChangeName));
        let result = permitted.map(|()| {
            let ends = directory.match_indices('/').map(|(at, _)| at).chain([directory.len()]);
            for path in ends.map(|end| &directory[..end]) {
                if !self.names.has_directory(path) {
                    self.change_name(NameChange::Directory { path: path.to_owned() });
                }
            }
        });
        self.note_name(caller.now_ns, "create_dir", directory);
        Completion { result, due_ns: self.spend(caller, Operation::Write { growth: 0 }, 0) }
    }

    /// Opens a file.
    pub fn open(&mut self, caller: Caller, path: &str, how: Open) -> Completion<FileId> {
        let path = normal(path);
        let permitted = self
            .check(caller.incarnation)
            .and_then(|()| self.strike(FileClass::of(path), Operation::Open));
        let result = permitted.and_then(|()| match self.names.files.get(path) {
            Some(&file) => Ok(file),
            None if how != Open::Existing => self.create(path),
            None => Err(ErrorKind::NotFound.into()),
        });
        if let (Ok(file), Open::Truncate) = (&result, how) {
            self.change(*file, caller.now_ns, Change::SetLen(0));
        }
        self.note_name(caller.now_ns, "open", path);
        Completion { result, due_ns: self.spend(caller, Operation::Read, 0) }
    }

    fn create(&mut self, path: &str) -> Result<FileId> {
        self.names.require_directory(parent(path))?;
        self.strike(FileClass::of(path), Operation::ChangeName)?;
        let file = FileId(self.next_file);
        self.next_file += 1;
        self.files.insert(file, FileContents::new(FileClass::of(path)));
        self.change_name(NameChange::Create { path: path.to_owned(), file });
        Ok(file)
    }

    /// Renames a file over another.
    pub fn rename(&mut self, caller: Caller, from: &str, to: &str) -> Completion<()> {
        let (from, to) = (normal(from), normal(to));
        let result = self
            .check(caller.incarnation)
            .and_then(|()| self.names.require_directory(parent(to)))
            .and_then(|()| self.names.require_file(from))
            .and_then(|file| self.strike(FileClass::of(from), Operation::ChangeName).map(|()| file))
            .map(|file| {
                if let Some(contents) = self.files.get_mut(&file) {
                    contents.class = FileClass::of(to);
                }
                let (from, to) = (from.to_owned(), to.to_owned());
                self.change_name(NameChange::Rename { from, to, file });
            });
        self.note_name(caller.now_ns, "rename", to);
        Completion { result, due_ns: self.spend(caller, Operation::Write { growth: 0 }, 0) }
    }

    /// Removes a file.
    pub fn remove(&mut self, caller: Caller, path: &str) -> Completion<()> {
        let path = normal(path);
        let result = self
            .check(caller.incarnation)
            .and_then(|()| self.names.require_file(path))
            .and_then(|_| self.strike(FileClass::of(path), Operation::ChangeName))
            .map(|()| self.change_name(NameChange::Remove { path: path.to_owned() }));
        self.note_name(caller.now_ns, "remove", path);
        Completion { result, due_ns: self.spend(caller, Operation::Write { growth: 0 }, 0) }
    }

    fn change_name(&mut self, change: NameChange) {
        self.names.apply(&change);
        let ordinal = self.ordinal();
        self.unsynced_names.push(UnsyncedName { ordinal, change });
    }

    /// Makes the names in a directory durable.
    pub fn sync_dir(&mut self, caller: Caller, directory: &str) -> Completion<()> {
        let directory = normal(directory);
        self.settle(caller.now_ns);
        let due_ns = self.spend(caller, Operation::Sync, 0);
        let class = class_of(directory);
        let result = self
            .check(caller.incarnation)
            .and_then(|()| self.names.require_directory(directory))
            .and_then(|()| self.strike(class, Operation::Sync));
        if result.is_ok() && !self.sync_lies(class) {
            let target = Target::Directory(directory.to_owned());
            let up_to = self.ordinal();
            self.barriers.push(Barrier { target, up_to, issued_ns: caller.now_ns, at_ns: due_ns });
        }
        self.note_name(caller.now_ns, "sync_dir", directory);
        Completion { result, due_ns }
    }

    /// Takes the lock of the data directory for this incarnation.
    pub fn lock(&mut self, caller: Caller) -> Completion<()> {
        let result = self.check(caller.incarnation).and_then(|()| {
            if std::mem::replace(&mut self.locked, true) {
                return Err(ErrorKind::WouldBlock.into());
            }
            Ok(())
        });
        Completion { result, due_ns: self.spend(caller, Operation::Read, 0) }
    }
}
