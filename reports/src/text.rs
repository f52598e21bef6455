//! The page on the terminal.
