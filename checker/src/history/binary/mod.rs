//! The compact form of a history: the same records as in lines of JSON, a tenth of their size, and
//! read many times faster.
//!
//! A file is [`MAGIC`] and then blocks: length (4 bytes, little-endian), CRC32C of the content (4
//! bytes), content. The content's first byte says what it is:
//!
//! | byte | content |
//! |---|---|
//! | 0 | the first line of the JSON form (`{"version":1}`); the first block, and only that |
//! | 1 | records, one after another to the end of the block |
//! | 2 | how many records the file has, as a number; the last block |
//!
//! A file without its last block was cut off, and is refused.
//!
//! **Numbers** are of variable length, seven bits a byte, the lowest first; signed ones in zigzag.
//! **Bytes and texts** are numbers of a table: `0`, length, bytes for a new one, which gets the next
//! number from 1 on; the number for one that came before. The table holds the first
//! [`MOST_STRINGS`](pack::MOST_STRINGS) different ones.
//!
//! **A message** is a number whose bit `n` says whether its field `n` is there, then those fields. A
//! field of zero value is left out, as it may be in JSON. So fields can be added at the end: an old
//! reader refuses what it does not know, a new one reads old files. The order of fields is that of
//! [`fields`], where each message is one line.
//!
//! **A record** is: kind of request (one byte); outcome, plus 3 with an answer or 6 with an error,
//! plus 9 if the connection is known (one byte); the id less the one before, process, member, the
//! connection if it is known, the call less the one before, if the outcome is not unknown the
//! return less the call, the request, the answer.

mod fields;
mod pack;
mod read;
mod record;
#[cfg(test)]
mod tests;
mod write;

pub use read::Reader;
pub use write::Writer;

/// The first bytes of a file: they are no text, and a transfer as text damages them.
pub const MAGIC: [u8; 8] = *b"\x89MTLH\r\n\x1a";

/// The kinds of blocks.
const ORIGIN: u8 = 0;
const RECORDS: u8 = 1;
const END: u8 = 2;
