//! What people are shown of a history: rows of words and times, the lanes they lie in, and the page
//! that draws them.
//!
//! | room | gives |
//! |---|---|
//! | [`row`] | the rows of whatever was read: a record or a logged operation in words |
//! | [`lanes`] | which client each process belongs to |
//! | [`scene`] | everything that is drawn, compact enough for a hundred thousand operations |
//! | [`table`] | a few rows for a terminal |
//! | [`page`] | one file that opens from disk: frame, style, scripts and the scene |
//!
//! `mettle-check --html` fills the page from a judgement; the simulator's reports add what they know
//! besides: faults, leaders, seeds.

mod afford;
pub mod judged;
pub mod lanes;
pub mod page;
pub mod row;
pub mod scene;
pub mod table;
