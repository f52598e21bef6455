//! The program `mettle-check`: it reads histories of many formats, writes pages of judgements, and
//! exports report folders of etcd's robustness tests.
//!
//! The judge is [`mettle_checker`]. The search for an order in logs without revisions is
//! [`mettle_search`]. The pages are [`mettle_page`].

pub mod export;
pub mod import;
mod judge;
pub mod page;
mod page_budget;
pub mod rows;

pub use judge::judge;
