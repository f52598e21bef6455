//! The bytes of a segment: a header, and batches that each verify alone.

use crate::consensus::types::Index;
use crate::identity::Identity;

/// Version of the layout and of the records in it. Later versions keep the first 60 bytes.
///
/// 1: as commit 057aa02 wrote it. 2: records carry the member's life, commands a version.
pub(super) const VERSION: u32 = 2;
/// Bytes of a segment's header.
pub(super) const SEGMENT_HEADER_LEN: usize = 60;
/// Bytes of a batch's header.
pub(super) const BATCH_HEADER_LEN: usize = 40;

const SEGMENT_MAGIC: [u8; 8] = *b"METTLELG";
const BATCH_MAGIC: [u8; 4] = *b"MBAT";

/// Every write begins on a page of its own and fills it with zeros: a power loss may tear a sector
/// that was being written, with whatever older bytes share it, and acknowledged batches must not be
/// among them. 4 KiB is the sector of today's disks.
const PAGE: usize = 4096;

/// The first page boundary at or after `offset`.
pub(super) fn next_page(offset: u64) -> u64 {
    offset.next_multiple_of(PAGE as u64)
}

/// Fills `bytes`, which will be written at the start of a page, to whole pages.
pub(super) fn fill_page(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
}

/// What stands at the head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) identity: Identity,
    pub(super) segment: u64,
    /// Index of the next entry when the segment was begun.
    pub(super) first_index: Index,
    /// Sequence of its first batch.
    pub(super) first_sequence: u64,
    /// CRC of the last batch of the segment before, 0 in the first segment.
    pub(super) prev_crc: u32,
}

/// Why a segment header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// Too short, or it does not verify.
    Unreadable,
    /// The magic is ours, the version is not.
    Version(u32),
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_LEN);
        out.extend_from_slice(&SEGMENT_MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.identity.cluster_id.to_le_bytes());
        out.extend_from_slice(&self.identity.member_id.to_le_bytes());
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&self.first_index.to_le_bytes());
        out.extend_from_slice(&self.first_sequence.to_le_bytes());
        out.extend_from_slice(&self.prev_crc.to_le_bytes());
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&out), Ok(*self), "a segment header as it is read back");
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        if bytes.len() < SEGMENT_HEADER_LEN || bytes[..8] != SEGMENT_MAGIC {
            return Err(HeaderFault::Unreadable);
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return Err(HeaderFault::Version(version));
        }
        if crc32c::crc32c(&bytes[..56]) != u32_at(bytes, 56) {
            return Err(HeaderFault::Unreadable);
        }
        Ok(SegmentHeader {
            identity: Identity { cluster_id: u64_at(bytes, 12), member_id: u64_at(bytes, 20) },
            segment: u64_at(bytes, 28),
            first_index: u64_at(bytes, 36),
            first_sequence: u64_at(bytes, 44),
            prev_crc: u32_at(bytes, 52),
        })
    }
}

/// What stands at the head of a batch, without magic, length and CRC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub(super) segment: u64,
    /// From 1, without gaps, across segments.
    pub(super) sequence: u64,
    /// Every batch up to here was known to be synced when this one was written.
    pub(super) durable_to: u64,
    /// CRC of the batch before, 0 for the first.
    pub(super) prev_crc: u32,
}

/// A batch that verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch<'a> {
    pub(super) header: BatchHeader,
    pub(super) crc: u32,
    pub(super) body: &'a [u8],
}

impl Batch<'_> {
    /// Bytes it takes in the segment.
    pub(super) fn len(&self) -> usize {
        BATCH_HEADER_LEN + self.body.len()
    }
}

/// Adds a batch to `out` and returns its CRC.
pub(super) fn encode_batch(
    out: &mut Vec<u8>,
    identity: Identity,
    header: BatchHeader,
    body: &[u8],
) -> u32 {
    let length = u32::try_from(body.len()).expect("a batch is bounded by the request size limit");
    let start = out.len();
    out.extend_from_slice(&BATCH_MAGIC);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&header.segment.to_le_bytes());
    out.extend_from_slice(&header.sequence.to_le_bytes());
    out.extend_from_slice(&header.durable_to.to_le_bytes());
    out.extend_from_slice(&header.prev_crc.to_le_bytes());
    let crc = checksum(identity, &out[start..], body);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(body);
    debug_assert_eq!(
        decode_batch(&out[start..], identity),
        Some(Batch { header, crc, body }),
        "a batch as it is read back"
    );
    crc
}

/// Reads the batch at the start of `bytes`, if one verifies there.
pub(super) fn decode_batch(bytes: &[u8], identity: Identity) -> Option<Batch<'_>> {
    if bytes.len() < BATCH_HEADER_LEN || bytes[..4] != BATCH_MAGIC {
        return None;
    }
    let length = u32_at(bytes, 4) as usize;
    let body = bytes.get(BATCH_HEADER_LEN..BATCH_HEADER_LEN.checked_add(length)?)?;
    let crc = u32_at(bytes, 36);
    if checksum(identity, &bytes[..36], body) != crc {
        return None;
    }
    let header = BatchHeader {
        segment: u64_at(bytes, 8),
        sequence: u64_at(bytes, 16),
        durable_to: u64_at(bytes, 24),
        prev_crc: u32_at(bytes, 32),
    };
    Some(Batch { header, crc, body })
}

/// Where a log has come to: what its next batch must continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogEnd {
    pub(super) segment: u64,
    /// Sequence of the last batch.
    pub(super) sequence: u64,
    /// CRC of the last batch.
    pub(super) crc: u32,
}

/// The batch at `at`, or after the zeros up to the next page, if it verifies and continues a log
/// that has come to `end`; and where the batch starts.
pub(super) fn next_batch(
    bytes: &[u8],
    at: usize,
    identity: Identity,
    end: LogEnd,
) -> Option<(usize, Batch<'_>)> {
    let page = next_page(at as u64) as usize;
    let padded = bytes.get(at..page).is_some_and(|gap| gap.iter().all(|byte| *byte == 0));
    let starts = [Some(at), padded.then_some(page)];
    starts.into_iter().flatten().find_map(|start| {
        let batch = decode_batch(&bytes[start..], identity)?;
        let header = batch.header;
        let follows = header.segment == end.segment
            && header.sequence == end.sequence + 1
            && header.prev_crc == end.crc;
        follows.then_some((start, batch))
    })
}

/// Salted with the identity: a batch of another member never verifies here.
fn checksum(identity: Identity, header: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32c::crc32c(&identity.cluster_id.to_le_bytes());
    crc = crc32c::crc32c_append(crc, &identity.member_id.to_le_bytes());
    crc = crc32c::crc32c_append(crc, header);
    crc32c::crc32c_append(crc, body)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
