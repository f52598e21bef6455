//! Reports: a verdict turned into what people and machines read.
//!
//! | room | gives | read by |
//! |---|---|---|
//! | [`verdict`] | `verdict.json`, equal bytes for equal seeds | `replay`, `sweep` |
//! | [`summary`] | the one-line object of `run --json` | other programs |
//! | [`text`] | the page on the terminal | people in a hurry |
//! | [`html`] | `index.html`, self-contained | people who want to see what happened |
//!
//! Nothing here knows how a run was made: all comes in as plain values.

#[cfg(test)]
mod fixture;
pub mod html;
pub mod summary;
pub mod text;
pub mod timeline;
pub mod verdict;
