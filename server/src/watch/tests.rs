//! Stories of watchers, and random ones against what each watcher must be told.

mod invariants;
mod property;
mod script;
