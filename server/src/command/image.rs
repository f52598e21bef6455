//! A command as bytes: what the log carries and members send each other.
//!
//! # Layout
//! A version (1 byte), a CRC32C (4 bytes, little-endian) over the version and all that follows the
//! checksum, and the postcard bytes of header and body. Later versions keep the first five bytes, so
//! every member can check what it only passes on.
//!
//! The member that proposes makes the checksum; whoever takes the bytes from a peer, and whoever
//! applies them, checks it. TCP's 16 bits miss a flip now and then, and the log would seal it.
//!
//! Version 1 had neither version nor checksum: its bytes begin with the member's id, a postcard
//! number of ten bytes, so its first byte is at least 0x80.

use bytes::Bytes;

use super::{Body, Command, Header};

/// The version that this program writes and reads.
pub const VERSION: u8 = 2;
/// Bytes of version and checksum.
const PREFIX: usize = 5;
/// Every first byte from here on is of a command of version 1.
const UNVERSIONED: u8 = 0x80;

/// Why bytes are no command of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Shorter than version and checksum.
    #[error("it has {0} bytes, fewer than a version and a checksum take")]
    Short(usize),
    /// Written by another program.
    #[error(
        "it has version {found}, this program reads {VERSION}; use the program that wrote it, or \
         one that reads both"
    )]
    Version {
        /// The version found.
        found: u8,
    },
    /// The bytes are not those that were proposed.
    #[error("its checksum is {computed:08x}, the proposer's {stored:08x}")]
    Checksum {
        /// What the bytes add up to.
        computed: u32,
        /// What the proposer wrote.
        stored: u32,
    },
    /// The bytes are whole and say nothing that this program knows.
    #[error("{0}")]
    Body(postcard::Error),
}

impl Command {
    /// The bytes that the log carries.
    pub fn encode(&self) -> Bytes {
        let image = vec![VERSION, 0, 0, 0, 0];
        let mut image = postcard::to_extend(&(&self.header, &self.body), image)
            .expect("a command is plain bytes and numbers");
        let crc = checksum(&image);
        image[1..PREFIX].copy_from_slice(&crc.to_le_bytes());
        image.into()
    }

    /// Reads what [`Command::encode`] wrote.
    pub fn decode(image: &[u8]) -> Result<Command, ImageError> {
        match image.first() {
            Some(&found) if found >= UNVERSIONED => return Err(ImageError::Version { found: 1 }),
            Some(&found) if found != VERSION => return Err(ImageError::Version { found }),
            _ => Command::check(image)?,
        }
        let (header, body): (Header, Body) =
            postcard::from_bytes(&image[PREFIX..]).map_err(ImageError::Body)?;
        Ok(Command { header, body })
    }

    /// Whether the bytes are those that were proposed, whatever their version (from 2 on).
    pub fn check(image: &[u8]) -> Result<(), ImageError> {
        let stored = image.get(1..PREFIX).ok_or(ImageError::Short(image.len()))?;
        let stored = u32::from_le_bytes(stored.try_into().expect("four bytes"));
        let computed = checksum(image);
        if computed == stored { Ok(()) } else { Err(ImageError::Checksum { computed, stored }) }
    }
}

fn checksum(image: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&image[..1]), &image[PREFIX..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{CompactRequest, ProposalId};

    fn command() -> Command {
        let id = ProposalId { member: 0x8e9e_05c5_2164_694d, boot: 1, sequence: 7 };
        let body = Body::Compact(CompactRequest { revision: 4, physical: true });
        Command { header: Header { user: "root".to_owned(), auth_revision: 3, id }, body }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(Command::decode(&command().encode()), Ok(command()));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let image = command().encode();
        for bit in 0..image.len() * 8 {
            let mut damaged = image.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Command::decode(&damaged).is_err(), "bit {bit}");
            assert!(Command::check(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_command_of_version_1_is_refused_by_name() {
        // As commit 057aa02 wrote a compaction: the member's id, the sequence, the body.
        let old =
            [0xcd, 0xd2, 0x91, 0x8b, 0xd2, 0xb8, 0x81, 0xcf, 0x8e, 0x01, 0x07, 0x03, 0x08, 0x01];
        let error = Command::decode(&old).unwrap_err();
        assert_eq!(error, ImageError::Version { found: 1 });
        let text = "it has version 1, this program reads 2; \
                    use the program that wrote it, or one that reads both";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_newer_version_is_refused_by_name_and_can_still_be_checked() {
        let mut newer = command().encode().to_vec();
        newer[0] = 3;
        let crc = checksum(&newer).to_le_bytes();
        newer[1..PREFIX].copy_from_slice(&crc);
        newer.push(0);
        assert_eq!(Command::decode(&newer), Err(ImageError::Version { found: 3 }));
        newer.pop();
        assert_eq!(Command::check(&newer), Ok(()));
    }

    #[test]
    fn the_shortest_images_are_refused() {
        for len in 0..PREFIX {
            assert!(Command::decode(&command().encode()[..len]).is_err(), "{len} bytes");
        }
    }
}
