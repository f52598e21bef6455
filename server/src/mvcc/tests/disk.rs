//! A file in memory that loses what was not synced.

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

const SECTOR_BYTES: usize = 512;

/// A file as redb sees it. Clones are the same file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    synced: Vec<u8>,
    now: Vec<u8>,
    /// Since the last sync, in order.
    unsynced: Vec<Change>,
    fails_sync: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Len(usize),
    Write(usize, Vec<u8>),
}

impl Disk {
    pub(crate) fn backend(&self) -> Box<dyn StorageBackend> {
        Box::new(self.clone())
    }

    /// The file after a power loss: of each sector written since the last sync `keeps` decides
    /// whether it arrived.
    pub(crate) fn after_power_loss(&self, mut keeps: impl FnMut() -> bool) -> Disk {
        let contents = self.0.lock().unwrap();
        let mut left = contents.synced.clone();
        for change in &contents.unsynced {
            match change {
                Change::Len(len) if keeps() => left.resize(*len, 0),
                Change::Len(_) => {}
                Change::Write(offset, bytes) => {
                    for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                        let from = offset + number * SECTOR_BYTES;
                        if keeps() {
                            left.resize(left.len().max(from + sector.len()), 0);
                            left[from..from + sector.len()].copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        let contents = Contents { synced: left.clone(), now: left, ..Contents::default() };
        Disk(Arc::new(Mutex::new(contents)))
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.0.lock().unwrap().now.len()
    }

    pub(crate) fn flip_bit(&self, bit: usize) {
        self.0.lock().unwrap().now[bit / 8] ^= 1 << (bit % 8);
    }

    /// Flips a bit in the one place that holds these bytes.
    pub(crate) fn flip_bit_of(&self, bytes: &[u8]) {
        let mut contents = self.0.lock().unwrap();
        let place = contents.now.windows(bytes.len()).position(|window| window == bytes);
        contents.now[place.expect("the bytes are in the file")] ^= 1;
    }

    pub(crate) fn fail_syncs(&self) {
        self.0.lock().unwrap().fails_sync = true;
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let contents = self.0.lock().unwrap();
        let from = offset as usize;
        let bytes = contents.now.get(from..from + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut contents = self.0.lock().unwrap();
        contents.now.resize(len as usize, 0);
        contents.unsynced.push(Change::Len(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut contents = self.0.lock().unwrap();
        if contents.fails_sync {
            return Err(io::Error::other("the disk is gone"));
        }
        contents.synced = contents.now.clone();
        contents.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut contents = self.0.lock().unwrap();
        let from = offset as usize;
        contents.now[from..from + bytes.len()].copy_from_slice(bytes);
        contents.unsynced.push(Change::Write(from, bytes.to_vec()));
        Ok(())
    }
}
