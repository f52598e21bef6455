//! `mettle-check` as its users meet it: what it reads, says and writes.

mod bad_input;
mod command;
mod follow_command;
mod formats;
mod independent;
mod lines;
mod others;
mod page;
mod readme;
mod sabotage;
mod string_histories;
mod strings;
#[path = "../../../tests/world/mod.rs"]
mod world;
