//! How we know that the core is right: stories, the claims of the paper, chance, and search.

mod bench;
mod cluster;
mod draw;
mod invariants;
mod member;
mod model;
mod paper;
#[cfg(planted)]
mod planted;
mod quorum;
mod simulation;
mod snapshots;
mod stories;
mod watchman;
