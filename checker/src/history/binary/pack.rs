//! Packs numbers, texts and lists into bytes, and unpacks them.

use std::collections::BTreeMap;

use crate::history::Blob;
use crate::history::weight::MOST_OBJECTS;

/// The most texts in the table; later texts are written out each time.
pub(super) const MOST_STRINGS: usize = 1 << 20;
/// The greatest depth of nested transactions that is read.
const DEEPEST: u32 = 64;

/// Why bytes cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad(pub(super) &'static str);

/// A value that can be packed. A message leaves out fields with their zero value.
pub(super) trait Pack: Sized + Default + PartialEq {
    fn pack(&self, out: &mut Packer);
    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad>;
}

/// The bytes packed so far.
#[derive(Default)]
pub(super) struct Packer {
    pub(super) bytes: Vec<u8>,
    table: BTreeMap<Blob, u64>,
}

impl Packer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    pub(super) fn blob(&mut self, blob: &Blob) {
        if let Some(known) = self.table.get(blob) {
            return self.number(*known);
        }
        self.number(0);
        self.number(blob.len() as u64);
        self.bytes.extend_from_slice(blob);
        if self.table.len() < MOST_STRINGS {
            self.table.insert(blob.clone(), self.table.len() as u64 + 1);
        }
    }
}

/// Unpacks the bytes of a block from front to back.
pub(super) struct Unpacker<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    /// The items of lists read so far.
    items: u64,
    table: &'a mut Vec<Blob>,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize, table: &'a mut Vec<Blob>) -> Self {
        Unpacker { bytes, at, depth: 0, items: 0, table }
    }

    /// The number of bytes read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn byte(&mut self) -> Result<u8, Bad> {
        let byte = *self.bytes.get(self.at).ok_or(Bad("the block stops inside a record"))?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Bad> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Bad("a number is longer than 64 bits"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Bad> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(super) fn blob(&mut self) -> Result<Blob, Bad> {
        let number = self.number()?;
        if let Some(place) = number.checked_sub(1) {
            let known = usize::try_from(place).ok().and_then(|place| self.table.get(place));
            return known.cloned().ok_or(Bad("a text that did not come before"));
        }
        let length = self.length()?;
        let blob = Blob::from(&self.bytes[self.at..self.at + length]);
        self.at += length;
        if self.table.len() < MOST_STRINGS {
            self.table.push(blob.clone());
        }
        Ok(blob)
    }

    /// The number of items that follow; each takes a byte at least.
    fn length(&mut self) -> Result<usize, Bad> {
        let length = self.number()?;
        let left = self.bytes.len() - self.at;
        let length = usize::try_from(length).ok().filter(|length| *length <= left);
        length.ok_or(Bad("longer than the block"))
    }

    /// Unpacks a value one level deeper: a transaction may hold transactions.
    pub(super) fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Bad>,
    ) -> Result<T, Bad> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Bad("nested too deeply"));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }
}

impl Pack for u64 {
    fn pack(&self, out: &mut Packer) {
        out.number(*self);
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        from.number()
    }
}

impl Pack for i64 {
    fn pack(&self, out: &mut Packer) {
        out.signed(*self);
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        from.signed()
    }
}

/// A boolean field takes no bytes: a field that is present is true.
impl Pack for bool {
    fn pack(&self, _: &mut Packer) {}

    fn unpack(_: &mut Unpacker<'_>) -> Result<Self, Bad> {
        Ok(true)
    }
}

impl Pack for Blob {
    fn pack(&self, out: &mut Packer) {
        out.blob(self);
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        from.blob()
    }
}

impl Pack for String {
    fn pack(&self, out: &mut Packer) {
        out.blob(&Blob::from(&self[..]));
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        String::from_utf8(from.blob()?.to_vec()).map_err(|_| Bad("a text is not UTF-8"))
    }
}

/// An optional field that is present is `Some`.
impl<T: Pack> Pack for Option<T> {
    fn pack(&self, out: &mut Packer) {
        if let Some(value) = self {
            value.pack(out);
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        T::unpack(from).map(Some)
    }
}

/// An item of a list; it takes a byte at least.
pub(super) trait Item: Sized + PartialEq {
    fn pack_item(&self, out: &mut Packer);
    fn unpack_item(from: &mut Unpacker<'_>) -> Result<Self, Bad>;
}

impl<T: Item> Pack for Vec<T> {
    fn pack(&self, out: &mut Packer) {
        out.number(self.len() as u64);
        for item in self {
            item.pack_item(out);
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        let length = from.length()?;
        from.items += length as u64;
        if from.items > MOST_OBJECTS {
            return Err(Bad("more items than a record may have"));
        }
        // The announced length may be wrong, so the memory is not allocated all at once.
        let mut list = Vec::with_capacity(length.min(1024));
        for _ in 0..length {
            list.push(T::unpack_item(from)?);
        }
        Ok(list)
    }
}
