//! Reads the compact form block by block; errors name the byte.

use std::io::{BufRead, Read};

use super::pack::{Bad, Unpacker};
use super::record::{self, Before};
use super::{END, MAGIC, ORIGIN, RECORDS};
use crate::history::read::ALLOW_MORE;
use crate::history::valid::valid;
use crate::history::weight::weight_read;
use crate::history::{Blob, Limits, Origin, ReadError, Record};

/// Yields the records of a file one by one; the first error ends the sequence.
pub struct Reader<R> {
    file: String,
    from: R,
    limits: Limits,
    origin: Origin,
    block: Vec<u8>,
    /// The place in the file where the block's content begins.
    begins: u64,
    /// The number of bytes read of the block.
    at: usize,
    before: Before,
    table: Vec<Blob>,
    records: u64,
    weight: u64,
    ended: bool,
}

const DAMAGED: &str = "the file is damaged or was cut off: record it again";

impl<R: BufRead> Reader<R> {
    /// Reads the first block; `file` is the name in errors.
    pub fn new(file: String, from: R, limits: Limits) -> Result<Self, ReadError> {
        let mut reader = Reader {
            file,
            from,
            limits,
            origin: Origin::default(),
            block: vec![0; MAGIC.len()],
            begins: 0,
            at: 0,
            before: Before::default(),
            table: Vec::new(),
            records: 0,
            weight: 0,
            ended: false,
        };
        let all = reader.from.read_exact(&mut reader.block).is_ok();
        if !all || reader.block != MAGIC {
            return Err(reader.wrong("is not a binary history", "see checker/README.md"));
        }
        reader.at = MAGIC.len();
        reader.next_block()?;
        if reader.block.first() != Some(&ORIGIN) {
            return Err(reader.wrong("the first block is not the origin", DAMAGED));
        }
        let origin: Result<Origin, _> = serde_json::from_slice(&reader.block[1..]);
        reader.origin =
            origin.map_err(|error| reader.wrong(&format!("the origin: {error}"), DAMAGED))?;
        if reader.origin.version != 1 {
            let cause = format!("history version {} is not known here", reader.origin.version);
            return Err(reader.wrong(&cause, "version 1 is; use a newer mettle-check"));
        }
        reader.at = reader.block.len();
        Ok(reader)
    }

    /// The content of the first block.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    fn wrong(&self, cause: &str, remedy: &str) -> ReadError {
        let at = self.begins + self.at as u64;
        let mut cause = format!("at byte {at}: {cause}");
        if self.records > 0 {
            cause = format!("{cause}, after {} records", self.records);
        }
        ReadError { file: self.file.clone(), line: None, cause, remedy: remedy.to_owned() }
    }

    /// Reads the next block and verifies its checksum.
    fn next_block(&mut self) -> Result<(), ReadError> {
        self.begins += self.at as u64;
        self.at = 0;
        self.block.clear();
        let mut frame = [0; 8];
        self.fill(&mut frame)?;
        let [length, crc] = [&frame[..4], &frame[4..]]
            .map(|half| u32::from_le_bytes(half.try_into().expect("four bytes")));
        if u64::from(length) > self.limits.line_bytes {
            let cause = format!("a block is longer than {} bytes", self.limits.line_bytes);
            return Err(self.wrong(&cause, DAMAGED));
        }
        if self.begins + u64::from(length) > self.limits.total_bytes {
            let cause = format!("longer than {} bytes in all", self.limits.total_bytes);
            return Err(self.wrong(&cause, "split the recording, or raise the limit"));
        }
        let mut block = std::mem::take(&mut self.block);
        let read = (&mut self.from).take(length.into()).read_to_end(&mut block);
        self.block = block;
        match read {
            Ok(read) if read as u64 == u64::from(length) => {}
            Ok(_) => return Err(self.wrong("the file stops inside a block", DAMAGED)),
            Err(error) => return Err(self.wrong(&format!("cannot be read: {error}"), DAMAGED)),
        }
        if crc32c::crc32c(&self.block) != crc {
            return Err(self.wrong("a block is not what was written (CRC32C)", DAMAGED));
        }
        self.begins += frame.len() as u64;
        Ok(())
    }

    fn fill(&mut self, frame: &mut [u8]) -> Result<(), ReadError> {
        self.from.read_exact(frame).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                self.wrong("the file stops before its last block", DAMAGED)
            }
            _ => self.wrong(&format!("cannot be read: {error}"), "check the disk and the file"),
        })
    }

    /// Moves to the next record, if there is one.
    fn ready(&mut self) -> Result<bool, ReadError> {
        while self.at == self.block.len() {
            self.next_block()?;
            match self.block.first() {
                Some(&RECORDS) => self.at = 1,
                Some(&END) => return self.end().map(|()| false),
                _ => return Err(self.wrong("a block of a kind not known here", DAMAGED)),
            }
        }
        Ok(true)
    }

    fn end(&mut self) -> Result<(), ReadError> {
        let mut unpacker = Unpacker::new(&self.block, 1, &mut self.table);
        let promised = unpacker.number();
        self.at = unpacker.at();
        if promised != Ok(self.records) || self.at != self.block.len() {
            return Err(self.wrong("the last block counts other records", DAMAGED));
        }
        match self.from.fill_buf() {
            Ok([]) => Ok(()),
            _ => Err(self.wrong("something follows the last block", DAMAGED)),
        }
    }

    fn record(&mut self) -> Result<Record, ReadError> {
        let mut unpacker = Unpacker::new(&self.block, self.at, &mut self.table);
        let record = record::unpack(&mut self.before, &mut unpacker);
        let after = unpacker.at();
        let record = record.map_err(|Bad(cause)| {
            self.at = after;
            self.wrong(cause, DAMAGED)
        })?;
        valid(&record).map_err(|problem| self.wrong(&problem.cause, problem.remedy))?;
        self.weight += weight_read(&record);
        if self.weight > self.limits.memory_bytes {
            let cause = format!("takes more than {} bytes of memory", self.limits.memory_bytes);
            return Err(self.wrong(&cause, ALLOW_MORE));
        }
        self.at = after;
        self.records += 1;
        Ok(record)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match self.ready() {
            Ok(true) => self.record(),
            Ok(false) => {
                self.ended = true;
                return None;
            }
            Err(error) => Err(error),
        };
        self.ended = next.is_err();
        Some(next)
    }
}
