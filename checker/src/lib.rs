//! Decides whether a recorded history is legal under etcd's API guarantees.
//!
//! ```
//! use mettle_checker::{Options, check, history};
//! # let path = std::env::temp_dir().join("mettle-checker-doc.ndjson");
//! # let put = r#"{"id":1,"process":1,"op":"put","call_ns":1,"return_ns":2,"outcome":"ok",
//! #     "request":{"key":"a","value":"1"},"response":{"header":{"revision":2}}}"#;
//! # std::fs::write(&path, format!("{{\"version\":1}}\n{}\n", put.replace('\n', ""))).unwrap();
//! let history = history::read_file(&path, history::Limits::default())?;
//! let report = check(&history, &Options::default());
//! println!("{}", report.verdict.name());
//! # assert_eq!(report.verdict.name(), "legal");
//! # Ok::<(), history::ReadError>(())
//! ```
//!
//! The judge knows nothing of the server that answered: it has a model of etcd of its own
//! ([`model`]), and judges what clients recorded ([`history`]).

mod assumptions;
pub mod budget;
mod case;
pub mod changes;
mod check;
mod cluster_settings;
mod early_expiry;
mod fallback_search;
pub mod follow;
mod guarantees;
mod header;
pub mod history;
mod initial_store;
mod lease;
mod linearizability;
mod minimize;
pub mod model;
mod refusal;
mod serializable;
pub mod service;
mod session;
pub mod streams;
mod verdict;
mod watch;
pub mod words;

pub use assumptions::{Contradiction, assumptions};
pub use budget::{Options, needed_bytes};
pub use check::check;
pub use cluster_settings::ClusterSettings;
pub use guarantees::{CHECKERS, GUARANTEES};
pub use verdict::{Check, Doubt, Figures, Guarantee, LINEARIZABILITY, Report, Verdict, Violation};
