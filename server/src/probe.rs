//! The one static hook: rare paths reached, planted bugs, and facts for the observer.
//!
//! Empty unless a simulator sets it with [`set`]. Without one, a probe is a load and a branch, a
//! planted bug is a constant `false` (and not even compiled without `cfg(planted)`).

use std::sync::OnceLock;

/// What the simulator hears.
pub trait Hook: Send + Sync {
    /// A rare path was reached (once for each time).
    fn probe(&self, name: &'static str);
    /// So many records were read, or keys visited, in a storage job.
    fn worked(&self, records: u64);
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
    /// The speaking member told the leader that its log matches the leader's.
    Acknowledged {
        /// The leader's term.
        term: u64,
        /// Up to this entry.
        index: u64,
    },
    /// What the speaking member read from its log at its start.
    Recovered {
        /// The term.
        term: u64,
        /// The candidate with the member's vote in that term; 0 for nobody.
        vote: u64,
        /// The log begins after this entry.
        start: u64,
        /// The last entry, or `start`.
        last: u64,
        /// CRC32C over index, term and payload's CRC of the entries.
        digest: u32,
    },
    /// The speaking member's store stands here: it was opened, or a snapshot was put in its place.
    StandsAt {
        /// The entry applied last.
        index: u64,
    },
    /// What the speaking member's store holds up to a revision.
    Hashed {
        /// Up to this revision.
        revision: i64,
        /// The compaction whose remains the checksum covers. Checksums compare only if their
        /// compactions are equal.
        compact_revision: i64,
        /// The checksum.
        hash: u32,
    },
}

/// Every name that a probe can have; `probe!` refuses another when it is compiled.
pub const NAMES: &[&str] = &[
    "bytes damaged between members",
    "command damaged between members",
    "compaction overtook a watcher",
    "compaction resumed at boot",
    "compaction takes another step",
    "consensus append from before the commit index",
    "consensus append rejected",
    "consensus conflicting entries cut",
    "consensus election without a winner",
    "consensus follower needs a snapshot",
    "consensus leader of an old term answered",
    "consensus leader whose storage hangs stepped down",
    "consensus leader without a quorum stepped down",
    "consensus leadership handed over",
    "consensus pre-vote refused by a quorum",
    "consensus read dropped",
    "consensus read dropped without an answer",
    "consensus read held until the term's first commit",
    "consensus snapshot older than the log",
    "consensus snapshot within the log",
    "consensus vote given",
    "consensus vote refused while the leader is alive",
    "event loop took a full turn",
    "log cut",
    "log restarts after the installed snapshot",
    "member without its disk refused to start",
    "peer outbox full",
    "peer stream restarted",
    "peer stream silent",
    "peer with another disk refused",
    "proposal applied by a snapshot",
    "proposal came twice",
    "proposal handed out again",
    "proposal of an earlier start refused",
    "proposal refused, too many wait",
    "proposal waited for a leader",
    "read index asked again",
    "redb panicked on a damaged page",
    "snapshot in place",
    "snapshot refused",
    "snapshot written, not yet in place",
    "wal corruption proven",
    "wal entries overwritten",
    "wal segments removed",
    "wal sync failed",
    "wal synced",
    "wal torn segment removed",
    "wal torn tail cut",
    "wal write failed",
    "wal written, not yet synced",
    "watch stream ended without a leader",
    "watch stream is slow, its watcher becomes unsynced",
    "watcher reads history after a snapshot",
];

/// Planted bugs that no scenario catches. The core's own tests wake them, and `--plant` cannot.
pub const CORE_ONLY: &[&str] = &["C2", "C8", "C9"];

/// Whether a probe of this name exists.
pub const fn is_known(name: &str) -> bool {
    is_one_of(NAMES, name)
}

/// Whether a list has a word, for constants.
pub const fn is_one_of(words: &[&str], word: &str) -> bool {
    let mut place = 0;
    while place < words.len() {
        if words[place].len() == word.len() && contains(words[place], word) {
            return true;
        }
        place += 1;
    }
    false
}

/// Whether a text has a part, for constants.
pub const fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let mut start = 0;
    while start + part.len() <= text.len() {
        let mut at = 0;
        while at < part.len() && text[start + at] == part[at] {
            at += 1;
        }
        if at == part.len() {
            return true;
        }
        start += 1;
    }
    false
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

/// Reports that so many records were read, or keys visited, in a storage job: the simulated
/// machine charges for them, as a real one does.
pub fn worked(records: u64) {
    if let Some(hook) = HOOK.get() {
        hook.worked(records);
    }
}

/// Whether anybody hears facts; one that costs something is made only then.
pub fn is_heard() -> bool {
    HOOK.get().is_some()
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
    ($name:literal) => {{
        const _: () =
            assert!($crate::probe::is_known($name), "the name must stand in probe::NAMES");
        $crate::probe::reached($name)
    }};
}

/// Whether a planted bug is awake: `if planted!("R2", "ack-before-durable") { … }`. Constant `false`
/// in a plain build.
///
/// The second word names the scenario below `scenarios/planted/` that catches the bug. A bug that
/// only the core's own tests wake has none: `planted!("C2")`.
#[macro_export]
macro_rules! planted {
    ($bug:literal, $scenario:literal) => {{
        #[cfg(planted)]
        {
            const _: () = assert!(
                $crate::probe::contains(
                    include_str!(concat!(
                        env!("CARGO_MANIFEST_DIR"),
                        "/../scenarios/planted/",
                        $scenario,
                        ".toml"
                    )),
                    concat!("\ncatches = \"", $bug, "\"\n"),
                ),
                "the scenario must have a line `catches = …` with the name of the bug"
            );
            $crate::probe::planted($bug)
        }
        #[cfg(not(planted))]
        {
            false
        }
    }};
    ($bug:literal) => {{
        #[cfg(planted)]
        {
            const _: () = assert!(
                $crate::probe::is_one_of($crate::probe::CORE_ONLY, $bug),
                "name the scenario that catches the bug, or add the bug to probe::CORE_ONLY"
            );
            $crate::probe::planted($bug)
        }
        #[cfg(not(planted))]
        {
            false
        }
    }};
}

#[cfg(test)]
mod tests;
