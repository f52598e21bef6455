//! One line on a terminal that says what is going on, and goes away when it is done.

use std::io::{IsTerminal as _, Write as _};

/// Which of the files it is about.
pub(crate) struct Progress<'a> {
    file: &'a str,
    number: usize,
    of: usize,
    shown: bool,
}

impl<'a> Progress<'a> {
    /// Nothing is shown where standard error is no terminal.
    pub(crate) fn new(file: &'a str, number: usize, of: usize) -> Self {
        Progress { file, number, of, shown: std::io::stderr().is_terminal() }
    }

    /// Shows what is done now.
    pub(crate) fn show(&self, doing: &str) {
        if self.shown {
            let Progress { file, number, of, .. } = self;
            let _ = write!(std::io::stderr(), "\r\x1b[K[{number}/{of}] {file}: {doing} …");
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
