//! Searches for a linearization of concurrent operations under any sequential model: Wing and
//! Gong's algorithm with Lowe's cache.
//!
//! An operation may come next if no other operation left returned before it was called: it is a
//! **candidate**. The search **linearizes** one candidate: it puts the candidate at the end of the
//! order and applies it to the state. If the model rejects the recorded answer, the search
//! backtracks. The set of linearized operations and the state together are a **configuration**.
//! Four techniques keep the search small:
//!
//! * **Cache.** A configuration reached before is not expanded again. The key of a set of
//!   operations is the exclusive or of one random 128-bit number per operation, so a step costs the
//!   same however long the history is. The cache is bounded. When it is full, old configurations
//!   are forgotten, which costs time and nothing else.
//! * **Pure operations.** A *pure* operation, with its recorded answer, changes no state in which
//!   it is legal: a read, or a compare-and-set of a value to itself. A pure candidate that is legal
//!   is linearized at once, without trying other candidates: moving it to the front keeps a valid
//!   order valid.
//! * **Equal operations.** Among operations with the same effect ([`Model::effect`]) the search
//!   tries only the operation that returns first.
//! * **Lookahead.** A model may know ([`Lookahead`]) that a step makes some recorded answer
//!   impossible. The search does not take such a step. For a register this prunes nearly
//!   everything.
//!
//! A model may also decide some histories without a search. A register does so if no value is
//! written twice, however many processes there are.
//!
//! **Memory** is counted, never measured: [`Limits::memory_bytes`] bounds everything that a search
//! holds. If the bound does not suffice, the outcome is [`Outcome::Unknown`], and
//! [`SearchResult::memory`] names the bytes needed.
//!
//! An **indeterminate** operation has an unknown outcome and no return: it may take effect at any
//! time after its call, or never. If every write overwrites the whole state
//! ([`Model::is_overwritten`]), the search tries an indeterminate operation only if it makes the
//! next operation legal.
//! ```
//! use mettle_search::{Call, Limits, Outcome, register::*, search};
//! let write = Call { op: RegisterOp::Write(1), call: 0, returned: Some(10) };
//! let read = Call { op: RegisterOp::Read(Some(1)), call: 5, returned: Some(20) };
//! let found = search(&Register::default(), &[write, read], &Limits::default());
//! assert_eq!(found.outcome, Outcome::Linearizable(vec![0, 1]));
//! ```

pub mod append;
mod cache;
mod engine;
mod list;
mod model;
pub mod register;
mod register_op;
pub mod shrink;
mod sources;
#[cfg(test)]
mod tests;
mod zones;

pub use engine::search;
pub use model::{Call, Limits, Lookahead, Model, Outcome, SearchResult, Stuck};
