//! The progress line on a terminal, which disappears at the end.

use std::io::{IsTerminal as _, Write as _};

/// The file that is being judged, among the others.
pub(crate) struct Progress<'a> {
    file: &'a str,
    number: usize,
    of: usize,
    shown: bool,
}

impl<'a> Progress<'a> {
    /// Shows nothing if standard error is not a terminal.
    pub(crate) fn new(file: &'a str, number: usize, of: usize) -> Self {
        Progress { file, number, of, shown: std::io::stderr().is_terminal() }
    }

    /// Shows the present activity.
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
