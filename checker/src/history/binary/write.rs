//! Writes the compact form, block by block; equal histories give equal bytes.

use std::io::{self, Write};

use super::pack::Packer;
use super::record::{self, Before};
use super::{END, MAGIC, ORIGIN, RECORDS};
use crate::history::valid::valid;
use crate::history::{History, Origin, Record};

/// The length from which a block is written out.
const BLOCK_BYTES: usize = 256 << 10;

/// Writes records one by one.
pub struct Writer<W> {
    out: W,
    packer: Packer,
    before: Before,
    records: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the first block.
    pub fn new(mut out: W, origin: &Origin) -> io::Result<Self> {
        out.write_all(&MAGIC)?;
        let mut writer =
            Writer { out, packer: Packer::default(), before: Before::default(), records: 0 };
        writer.packer.byte(ORIGIN);
        serde_json::to_writer(&mut writer.packer.bytes, origin)?;
        writer.flush_block()?;
        Ok(writer)
    }

    /// Writes one record. A record that could not be read back is refused.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        valid(record).map_err(|problem| {
            let cause = format!("record {}: {}; {}", record.id, problem.cause, problem.remedy);
            io::Error::new(io::ErrorKind::InvalidInput, cause)
        })?;
        if self.packer.bytes.is_empty() {
            self.packer.byte(RECORDS);
        }
        record::pack(record, &mut self.before, &mut self.packer);
        self.records += 1;
        if self.packer.bytes.len() >= BLOCK_BYTES { self.flush_block() } else { Ok(()) }
    }

    /// Writes the last block, flushes, and returns the underlying writer.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.packer.bytes.is_empty() {
            self.flush_block()?;
        }
        self.packer.byte(END);
        self.packer.number(self.records);
        self.flush_block()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush_block(&mut self) -> io::Result<()> {
        let content = &self.packer.bytes[..];
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&crc32c::crc32c(content).to_le_bytes())?;
        self.out.write_all(content)?;
        self.packer.bytes.clear();
        Ok(())
    }
}

impl History {
    /// Writes the whole history in the compact form.
    pub fn write_binary_to<W: Write>(&self, out: W) -> io::Result<W> {
        let mut writer = Writer::new(out, &self.origin)?;
        for record in &self.records {
            writer.write(record)?;
        }
        writer.finish()
    }
}
