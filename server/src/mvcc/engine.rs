//! redb behind a guard: what it panics about becomes an error.
//!
//! redb checks pages at boot and when asked to, not when it reads them; a damaged page it trusts
//! may make it panic (22 of 2000 flipped bits, in a trial). The member must stop then, as with any
//! other damage, and not unwind through the program.

use std::cell::Cell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::Database;

use super::StoreError;
use crate::probe;

/// A database that is also closed under the guard.
#[derive(Debug)]
pub(crate) struct Engine(Option<Database>);

impl Engine {
    pub(crate) fn new(db: Database) -> Engine {
        Engine(Some(db))
    }
}

impl Deref for Engine {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0.as_ref().expect("it is taken when dropped only")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let db = self.0.take();
        // Whatever cannot be closed any more is left as it is; the next boot looks at it.
        let _ = guarded(|| {
            drop(db);
            Ok(())
        });
    }
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of redb on this thread would now be caught and become a [`StoreError`].
///
/// A panic hook asks this to tell such a panic from one that ends the member.
pub fn panics_are_caught() -> bool {
    GUARDED.get()
}

/// Runs `work`; a panic in it is an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let before = GUARDED.replace(true);
    // The caller counts its state as failed on any error: `work` may have changed half of it.
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    done.unwrap_or_else(|panic| {
        probe!("redb panicked on a damaged page");
        let message = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(StoreError::Corrupt(format!("redb panicked: {message}")))
    })
}
