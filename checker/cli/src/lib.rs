//! What the command line judges and writes: histories of many formats, the page of a judgement, and
//! the report folders of etcd's robustness tests.
//!
//! The judge itself is [`mettle_checker`]; the search for an order in the logs of others is
//! [`mettle_search`]; what is drawn is [`mettle_page`].

pub mod export;
pub mod import;
mod judge;
pub mod page;
mod page_budget;
pub mod rows;

pub use judge::judge;
