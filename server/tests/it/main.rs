//! The server as a program of the real world: what it makes of its files, and what clients get from it.

#![cfg(not(madsim))]
#![allow(clippy::unwrap_used, reason = "what a test does not expect ends it")]

mod boot;
mod etcdctl;
mod tasks;
