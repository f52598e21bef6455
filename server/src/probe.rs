//! The one static hook: rare paths reached, planted bugs, and facts for the observer.
//!
//! Empty unless a simulator sets it with [`set`]. Without one, a probe is a load and a branch, a
//! planted bug is a constant `false` (and not even compiled without `cfg(planted)`).

use std::sync::OnceLock;

/// What the simulator hears.
pub trait Hook: Send + Sync {
    /// A rare path was reached (once for each time).
    fn probe(&self, name: &'static str);
    /// Something that must hold across members happened.
    fn fact(&self, fact: Fact);
    /// Whether a planted bug is awake in the member that asks.
    fn planted(&self, bug: &'static str) -> bool;
}

/// What the observer checks while time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The speaking member leads this term.
    BecameLeader {
        /// The term.
        term: u64,
    },
    /// The speaking member gave its vote (never a pre-vote).
    Voted {
        /// In this term.
        term: u64,
        /// To this member.
        candidate: u64,
    },
    /// The speaking member holds this entry to be committed.
    Committed {
        /// The entry's place.
        index: u64,
        /// The entry's term.
        term: u64,
        /// CRC32C of its payload.
        crc: u32,
    },
    /// The speaking member applied an entry.
    Applied {
        /// The entry's place.
        index: u64,
        /// Store revision afterwards.
        revision: i64,
    },
}

static HOOK: OnceLock<Box<dyn Hook>> = OnceLock::new();

/// Sets the hook; once in a process.
pub fn set(hook: Box<dyn Hook>) {
    assert!(HOOK.set(hook).is_ok(), "the hook is set once in a process");
}

/// Reports that a rare path was reached. Use [`probe!`](crate::probe!).
pub fn reached(name: &'static str) {
    if let Some(hook) = HOOK.get() {
        hook.probe(name);
    }
}

/// Reports a fact.
pub fn fact(fact: Fact) {
    if let Some(hook) = HOOK.get() {
        hook.fact(fact);
    }
}

/// Stands in the bytes of every build with planted bugs; `cargo ci tidy` looks for it in `mettled`.
#[cfg(planted)]
#[used]
static PLANTED_MARK: &str = "mettle: planted bugs are compiled in";

/// Asks whether a planted bug is awake. Use [`planted!`](crate::planted!).
#[cfg(planted)]
pub fn planted(bug: &'static str) -> bool {
    HOOK.get().is_some_and(|hook| hook.planted(bug))
}

/// Reports that a rare path was reached: `probe!("wal torn tail cut")`.
#[macro_export]
macro_rules! probe {
    ($name:literal) => {
        $crate::probe::reached($name)
    };
}

/// Whether a planted bug is awake: `if planted!("R2") { … }`. Constant `false` in a plain build.
#[macro_export]
macro_rules! planted {
    ($bug:literal) => {{
        #[cfg(planted)]
        {
            $crate::probe::planted($bug)
        }
        #[cfg(not(planted))]
        {
            false
        }
    }};
}
