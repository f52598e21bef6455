//! The meaning of a key range's special ends.

use std::ops::Bound;

use crate::command::KeyRange;

/// The end that means "every key from here on".
const FROM_KEY: &[u8] = b"\0";

/// A range's bounds, as ordered maps take them.
pub(crate) type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

impl KeyRange {
    /// Just this key.
    pub fn single(key: impl Into<bytes::Bytes>) -> KeyRange {
        KeyRange { key: key.into(), range_end: bytes::Bytes::new() }
    }

    /// Whether the range names one key and not an interval.
    pub fn is_single(&self) -> bool {
        self.range_end.is_empty()
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        if self.range_end.is_empty() {
            key == self.key
        } else {
            key >= &self.key[..] && (self.range_end == FROM_KEY || key < &self.range_end[..])
        }
    }

    /// Whether no key can lie in the range.
    pub fn is_empty(&self) -> bool {
        !self.is_single() && self.range_end != FROM_KEY && self.range_end <= self.key
    }

    /// Bounds for an ordered map; `None` for an empty range, on which such maps panic.
    pub(crate) fn bounds(&self) -> Option<Bounds<'_>> {
        let end = if self.is_single() {
            Bound::Included(&self.key[..])
        } else if self.range_end == FROM_KEY {
            Bound::Unbounded
        } else {
            Bound::Excluded(&self.range_end[..])
        };
        (!self.is_empty()).then_some((Bound::Included(&self.key[..]), end))
    }
}
