//! The real world: files below a data directory, TCP, the system's clocks and its randomness.
//!
//! A member has two threads beside its executor. The *file* thread runs the async face of the disk,
//! so that no `fdatasync` ever stops the event loop; the *store* thread runs the synchronous work of
//! the store, one job at a time. Both end when the last handle to the disk is gone.

mod clock;
mod disk;
mod entropy;
mod net;
#[cfg(test)]
mod tests;
mod worker;

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::Platform;

/// The real platform, rooted at `data_dir`, which is created when absent.
///
/// # Errors
/// When the directory cannot be created, or a thread cannot be started.
pub fn platform(data_dir: &Path) -> io::Result<Platform> {
    Ok(Platform {
        disk: Arc::new(disk::RealDisk::open(data_dir)?),
        net: Arc::new(net::RealNet),
        clock: Arc::new(clock::RealClock),
        entropy: Arc::new(entropy::RealEntropy),
    })
}
