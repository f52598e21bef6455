//! `mettle-check FILE`: judges one history file.

fn main() {}
