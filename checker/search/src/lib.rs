//! A search for an order of operations, for any sequential model: Wing and Gong's algorithm with
//! Lowe's memory of what was tried.
//!
//! An operation may come next if no other one returned before it was called. The search takes such
//! operations one by one, does them on the model, and goes back when the answer is not the
//! recorded one. Four things keep it small:
//!
//! * **Memory.** A pair (set of operations done, state) that was reached before need not be
//!   continued again. The set's key is the exclusive or of a random 128-bit number for each
//!   operation, so that a step costs the same however long the history is. The memory is bounded;
//!   when it is full, old pairs are forgotten, which costs time and nothing else.
//! * **Pure operations.** An operation that, with its recorded answer, changes no state in which it
//!   is legal (a read; not a write of the value that happens to be there) is done at once when it
//!   is legal, without trying the others first: whatever order fits also fits with it moved here.
//! * **Equal operations.** Of operations that do the same ([`Model::effect`]) only the one that
//!   returns first is tried.
//! * **Looking ahead.** A model may know ([`Lookahead`]) that after a step some answer can never be
//!   given; then the step is not done. For a register that is nearly everything.
//!
//! A model may also know how to decide some histories without a search: a register does when no
//! value is written twice, however many processes there are.
//!
//! **Memory** is counted, never measured: [`Limits::memory_bytes`] bounds all that a search holds.
//! What it cannot do within that is [`Outcome::Unknown`], and [`Found::memory`] says so.
//!
//! Operations of unknown outcome have no return: they may be done any time, or never. Where whatever
//! was there is overwritten ([`Model::is_overwritten`]), one is tried only if something can come right
//! after it that could not come before.
//!
//! ```
//! use mettle_search::{Call, Limits, Outcome, register::*, search};
//! let write = Call { op: RegisterOp::Write(1), call: 0, returned: Some(10) };
//! let read = Call { op: RegisterOp::Read(Some(1)), call: 5, returned: Some(20) };
//! let found = search(&Register::default(), &[write, read], &Limits::default());
//! assert_eq!(found.outcome, Outcome::Linearizable(vec![0, 1]));
//! ```

pub mod append;
mod engine;
mod list;
mod memory;
mod model;
pub mod register;
mod register_op;
pub mod shrink;
mod sources;
#[cfg(test)]
mod tests;
mod zones;

pub use engine::search;
pub use model::{Call, Found, Limits, Lookahead, Model, Outcome, Stuck};
