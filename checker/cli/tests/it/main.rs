//! `mettle-check` as its users meet it: what it reads, says and writes.

mod bad_input;
mod command;
mod export_round_trip;
mod follow_command;
mod foreign_formats;
mod page;
mod porcupine_strings;
mod readme;
mod recording_lines;
mod registers_by_key;
mod sabotage;
mod string_histories;
#[path = "../../../tests/it/world/mod.rs"]
mod world;
