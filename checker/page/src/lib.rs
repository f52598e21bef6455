//! Presents a history: the lanes of its rows, the page that draws them, and a table for a terminal.
//!
//! | room | gives |
//! |---|---|
//! | [`lanes`] | which client each process belongs to |
//! | [`scene`] | everything that is drawn, compact enough for a hundred thousand operations |
//! | [`table`] | a few rows for a terminal |
//! | `page` | one file that opens from disk: frame, style, scripts and the scene |
//!
//! `mettle-check --html` fills the page from a judgement; the simulator's reports add what they know
//! besides: faults, leaders, seeds.

pub mod lanes;
mod page;
pub mod scene;
pub mod table;

pub use page::{Fault, Finding, Meanwhile, Page};
