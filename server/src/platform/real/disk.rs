//! Files below the data directory, on a thread of their own.

use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::worker::Worker;
use crate::platform::{BoxFuture, Disk, File, Open};

/// Locked for the life of the process: two servers on one directory would destroy it.
const LOCK: &str = "LOCK";

/// The file system below one directory.
pub(super) struct RealDisk {
    root: PathBuf,
    files: Worker,
    store: Worker,
    /// Held open, since closing it gives the lock back.
    lock: Arc<Mutex<Option<fs::File>>>,
}

impl RealDisk {
    pub(super) fn open(root: &Path) -> io::Result<RealDisk> {
        fs::create_dir_all(root)?;
        Ok(RealDisk {
            root: root.to_owned(),
            files: Worker::start("mettle-files")?,
            store: Worker::start("mettle-store")?,
            lock: Arc::default(),
        })
    }

    /// The real path; names that lead out of the directory are refused.
    fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if inside {
            Ok(self.root.join(path))
        } else {
            let message = format!("path {path:?} leads out of the data directory");
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
    }

    fn on<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, io::Result<T>> {
        match self.resolve(path) {
            Ok(path) => self.files.submit(move || work(path)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

impl Disk for RealDisk {
    fn list<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        self.on(dir, |dir| {
            let mut names = Vec::new();
            for entry in fs::read_dir(dir)? {
                // A name that is no text is none of ours.
                if let Ok(name) = entry?.file_name().into_string() {
                    names.push(name);
                }
            }
            names.sort();
            Ok(names)
        })
    }

    fn create_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<()>> {
        self.on(dir, fs::create_dir_all)
    }

    fn open<'a>(&'a self, path: &'a str, mode: Open) -> BoxFuture<'a, io::Result<Arc<dyn File>>> {
        let files = self.files.clone();
        self.on(path, move |path| {
            let file = Arc::new(open(&path, mode)?);
            Ok(Arc::new(RealFile { file, files }) as Arc<dyn File>)
        })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, io::Result<()>> {
        match self.resolve(to) {
            Ok(to) => self.on(from, |from| fs::rename(from, to)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn remove<'a>(&'a self, path: &'a str) -> BoxFuture<'a, io::Result<()>> {
        self.on(path, fs::remove_file)
    }

    fn sync_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<()>> {
        self.on(dir, |dir| fs::File::open(dir)?.sync_all())
    }

    fn lock(&self) -> BoxFuture<'_, io::Result<()>> {
        let held = Arc::clone(&self.lock);
        self.on(LOCK, move |path| {
            let mut held = held.lock().expect("nobody panics while holding the lock's file");
            if held.is_some() {
                return Ok(());
            }
            let file = open(&path, Open::Create)?;
            match file.try_lock() {
                Ok(()) => {
                    *held = Some(file);
                    Ok(())
                }
                Err(TryLockError::WouldBlock) => Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    format!("{} is locked: another server uses this directory", path.display()),
                )),
                Err(TryLockError::Error(error)) => Err(error),
            }
        })
    }

    fn backend(&self, path: &str) -> io::Result<Box<dyn redb::StorageBackend>> {
        let file = open(&self.resolve(path)?, Open::Create)?;
        let backend = redb::backends::FileBackend::new(file).map_err(io::Error::other)?;
        Ok(Box::new(backend))
    }

    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.store.submit(work)
    }
}

fn open(path: &Path, mode: Open) -> io::Result<fs::File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(mode != Open::Existing)
        .truncate(mode == Open::Truncate)
        .open(path)
}

struct RealFile {
    file: Arc<fs::File>,
    files: Worker,
}

impl RealFile {
    fn on<T: Send + 'static>(
        &self,
        work: impl FnOnce(&fs::File) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, io::Result<T>> {
        let file = Arc::clone(&self.file);
        self.files.submit(move || work(&file))
    }
}

impl File for RealFile {
    fn len(&self) -> BoxFuture<'_, io::Result<u64>> {
        self.on(|file| Ok(file.metadata()?.len()))
    }

    fn read_at(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        self.on(move |file| {
            // Never more than the file holds, whatever was asked for.
            let rest = file.metadata()?.len().saturating_sub(offset);
            let mut bytes = vec![0; len.min(usize::try_from(rest).unwrap_or(usize::MAX))];
            let mut read = 0;
            while read < bytes.len() {
                match file.read_at(&mut bytes[read..], offset + read as u64) {
                    Ok(0) => break,
                    Ok(count) => read += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            bytes.truncate(read);
            Ok(bytes)
        })
    }

    fn write_at(&self, offset: u64, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        self.on(move |file| file.write_all_at(&bytes, offset))
    }

    fn set_len(&self, len: u64) -> BoxFuture<'_, io::Result<()>> {
        self.on(move |file| file.set_len(len))
    }

    fn sync_data(&self) -> BoxFuture<'_, io::Result<()>> {
        self.on(fs::File::sync_data)
    }
}
