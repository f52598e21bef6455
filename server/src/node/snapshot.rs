//! Installs a snapshot from the leader, so that a crash at any moment leaves the old state or the new.

use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;

use super::Fatal;
use super::handle::Shared;
use crate::identity::Identity;
use crate::limits::StoreLimits;
use crate::mvcc::Store;
use crate::platform::{Disk, Open, Platform, blocking};
use crate::probe::{Fact, fact};

/// The state's file.
pub const STATE_FILE: &str = "state.redb";
/// A snapshot being written; whatever is there at boot is worth nothing.
pub const STATE_FILE_NEW: &str = "state.new";

/// Bytes of the state's file written back at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Opens the state at boot.
pub async fn open_state(
    platform: &Platform,
    identity: Identity,
    limits: StoreLimits,
) -> Result<Store, Fatal> {
    let disk = &platform.disk;
    remove_if_there(disk, STATE_FILE_NEW).await?;
    write_back(disk).await?;
    let backend = disk.backend(STATE_FILE).map_err(Fatal::io(format!("open {STATE_FILE}")))?;
    let store = blocking(disk, move || Store::open(backend, identity)).await?;
    disk.sync_dir("").await.map_err(Fatal::io("sync the data directory"))?;
    Ok(store.with_limits(limits))
}

/// Writes the snapshot beside the state, makes it durable, and only then puts it in its place.
pub(crate) async fn install(shared: &Arc<Shared>, chunks: Vec<Bytes>) -> Result<Arc<Store>, Fatal> {
    let disk = &shared.platform.disk;
    remove_if_there(disk, STATE_FILE_NEW).await?;
    let backend = disk.backend(STATE_FILE_NEW).map_err(Fatal::io("open state.new"))?;
    let identity = shared.identity;
    let store = match blocking(disk, move || Store::import(backend, identity, chunks)).await {
        Err(error) if error.is_of_snapshot() => {
            remove_if_there(disk, STATE_FILE_NEW).await?;
            return Err(error.into());
        }
        imported => imported?,
    };
    crate::probe!("snapshot written, not yet in place");
    disk.rename(STATE_FILE_NEW, STATE_FILE).await.map_err(Fatal::io("rename state.new"))?;
    disk.sync_dir("").await.map_err(Fatal::io("sync the data directory"))?;
    crate::probe!("snapshot in place");
    fact(Fact::StandsAt { index: store.applied().index });
    let store = Arc::new(store.with_limits(shared.config.limits.store));
    *shared.store.write().expect("no holder panics") = store.clone();
    Ok(store)
}

/// Makes durable what the state's file shows, before redb and the log build on it.
///
/// It may show what only the page cache has: the process was killed before its `fdatasync`, or that
/// failed, which leaves the pages clean but not durable, so that a second one reports success. A
/// power loss in the middle is no worse than one in redb's own sync: redb writes a commit beside
/// the last one, and every sector is still of the one or the other. In place, and not a copy as the
/// log makes of its last segment: a member whose disk is full must be able to start.
async fn write_back(disk: &Arc<dyn Disk>) -> Result<(), Fatal> {
    let file = match disk.open(STATE_FILE, Open::Existing).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(Fatal::io(format!("open {STATE_FILE}")))?,
    };
    let written = async {
        let len = file.len().await?;
        for offset in (0..len).step_by(PIECE_BYTES) {
            let piece = file.read_at(offset, PIECE_BYTES).await?;
            file.write_at(offset, Bytes::from(piece)).await?;
        }
        file.set_len(len).await?;
        file.sync_data().await
    };
    written.await.map_err(Fatal::io(format!("write back {STATE_FILE}")))
}

async fn remove_if_there(disk: &Arc<dyn Disk>, path: &str) -> Result<(), Fatal> {
    match disk.remove(path).await {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fatal::io(format!("remove {path}"))(error)),
    }
}
