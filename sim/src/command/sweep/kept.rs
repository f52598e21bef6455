//! The file in which a sweep keeps its runs: what was to be done, then a line for each run that is done.
//!
//! The first line is the [`Head`]. Every further line is an [`Ended`]. A sweep that finds its own
//! file goes on where the file ends; `cargo sim merge` puts the files of several shards together.
//! A last line without a line feed was cut off when its process ended; the run is made again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::hash::Hasher as _;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::ended::Ended;
use crate::error::HarnessError;
use crate::share::Shard;

/// Version of the file's format.
const VERSION: u32 = 1;

/// What a sweep was asked to do, and with which program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// Always [`VERSION`].
    pub(super) version: u32,
    /// Hash over the program's bytes, 32 hex digits.
    pub(super) build: String,
    /// Each scenario, with the hash over its file's bytes.
    pub(super) scenarios: BTreeMap<String, String>,
    /// The first seed.
    pub(super) from: u64,
    /// The seed after the last one.
    pub(super) to: u64,
    /// The share of the runs.
    pub(super) shard: Shard,
    /// How many of 1000 passes are run a second time.
    pub(super) same_permille: u32,
}

impl Head {
    /// The head of a sweep of this program.
    pub(super) fn new(
        scenarios: BTreeMap<String, String>,
        seeds: &std::ops::Range<u64>,
        shard: Shard,
        same_permille: u32,
    ) -> Result<Head, HarnessError> {
        let build = hash_of(Path::new("/proc/self/exe"))?;
        let (from, to) = (seeds.start, seeds.end);
        Ok(Head { version: VERSION, build, scenarios, from, to, shard, same_permille })
    }

    /// The same sweep, whatever the share.
    pub(super) fn is_shard_of(&self, other: &Head) -> bool {
        Head { shard: other.shard, build: other.build.clone(), ..self.clone() } == *other
            && self.shard.of == other.shard.of
    }

    /// How many runs the share has.
    pub(super) fn runs(&self) -> u64 {
        self.shard.share((self.to - self.from) * self.scenarios.len() as u64)
    }
}

/// The hash over a file's bytes, 32 hex digits.
pub(super) fn hash_of(path: &Path) -> Result<String, HarnessError> {
    let bytes =
        std::fs::read(path).map_err(|cause| HarnessError::Path { path: path.to_owned(), cause })?;
    let mut hasher = SipHasher13::new();
    hasher.write(&bytes);
    Ok(format!("{:032x}", hasher.finish128().as_u128()))
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Kept {
    /// What was to be done.
    pub(super) head: Head,
    /// What is done.
    pub(super) ended: Vec<Ended>,
    /// How many bytes of the file are whole lines.
    whole: u64,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Kept, HarnessError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| HarnessError::Path { path: path.to_owned(), cause })?;
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    let wrong = |line: usize, cause: serde_json::Error| HarnessError::KeptUnreadable {
        path: path.to_owned(),
        line,
        cause,
    };
    let mut lines = text[..whole].lines().enumerate();
    let (_, first) = lines.next().unwrap_or_default();
    let head: Head = serde_json::from_str(first).map_err(|cause| wrong(1, cause))?;
    let ended = lines
        .map(|(at, line)| serde_json::from_str(line).map_err(|cause| wrong(at + 1, cause)))
        .collect::<Result<Vec<Ended>, _>>()?;
    Ok(Kept { head, ended, whole: whole as u64 })
}

/// The open file of a sweep.
#[derive(Debug)]
pub(super) struct Keeper {
    file: File,
    path: PathBuf,
}

impl Keeper {
    /// Opens the file of a sweep: makes it, or goes on with it. Gives back what is done already.
    pub(super) fn open(path: &Path, head: &Head) -> Result<(Keeper, Vec<Ended>), HarnessError> {
        let failed = |cause| HarnessError::KeptUnwritten { path: path.to_owned(), cause };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let mut byte = [0];
        if file.read(&mut byte).map_err(failed)? == 0 {
            let mut keeper = Keeper { file, path: path.to_owned() };
            keeper.line(head)?;
            return Ok((keeper, Vec::new()));
        }
        let kept = read(path)?;
        if kept.head != *head {
            return Err(HarnessError::KeptOfAnother { path: path.to_owned() });
        }
        file.set_len(kept.whole).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((Keeper { file, path: path.to_owned() }, kept.ended))
    }

    /// Keeps one run.
    pub(super) fn keep(&mut self, ended: &Ended) -> Result<(), HarnessError> {
        self.line(ended)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), HarnessError> {
        let mut line = serde_json::to_vec(value).expect("a line has only string keys");
        line.push(b'\n');
        let written = self.file.write_all(&line);
        written.map_err(|cause| HarnessError::KeptUnwritten { path: self.path.clone(), cause })
    }
}

#[cfg(test)]
mod tests;
