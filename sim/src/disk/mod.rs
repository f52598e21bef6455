//! The simulated disk: one file system per member, with a page cache that a power loss empties.
//!
//! [`Volume`] is a plain state machine. Every method takes the simulated time and answers with the
//! time at which the operation is done ([`Completion`]); nothing awaits. [`StateFile`] implements
//! redb's synchronous storage; `adapter` implements the server's asynchronous one.
//!
//! **Truth.** A file has two images: what reads see (`cached`) and what is on the medium
//! (`durable`). Between them lie the unsynced operations, in order: the cached image is always the
//! durable one with those applied. Names have the same two states: a creation, renaming or removal
//! is durable only after a sync of its directory, as POSIX says and no more.
//!
//! **Sync.** A sync records a barrier that takes effect when its time has passed. Until then a
//! power loss treats the sync as never called.
//!
//! **Power loss** keeps, as the policy says, none, all, a prefix or any subset of the unsynced
//! sectors of 512 bytes. It may tear the sectors that it keeps, or fill them with garbage. Garbage
//! covers all that the device writes as a whole (512 bytes or 4 KiB), also what was synced beside the
//! write; it touches no other synced byte. Killing a process loses nothing, since the page cache is the kernel's.
//!
//! **Two modes of I/O.** The asynchronous mode waits for each operation. The synchronous mode never
//! waits: inside one storage job the device's time runs ahead of true time ([`Volume::begin_job`]).
//! If process or machine dies first, an operation in that future never happened.
//!
//! **Incarnations.** After a kill or a power loss every handle of the dead process gets EIO and
//! changes nothing, however late its destructors run.

#[cfg(madsim)]
mod adapter;
mod contents;
mod directory;
mod fault;
mod file;
mod file_io;
mod handle;
mod image;
mod injection;
mod invariants;
mod names;
mod operation;
mod power;
mod state_file;
#[cfg(test)]
mod tests;
mod volume;

#[cfg(madsim)]
pub use adapter::SimDisk;
pub use fault::{DiskEffect, DiskFault, FailedSync};
pub use file::{FileClass, FileId};
pub use handle::DiskHandle;
pub use image::Image;
pub use operation::{Caller, Completion, DiskConfig, IoMode, Wait};
pub use power::{Keep, PowerLoss, PowerLossEffect};
pub use state_file::StateFile;
pub use volume::Volume;

/// What a device writes as a whole, in bytes.
pub const SECTOR: u64 = 512;
