//! A range of keys as etcd's requests name it.

use std::ops::Bound;

use crate::history::Blob;

type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Keys `[key, range_end)` with etcd's special ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First key.
    pub key: Blob,
    /// Empty: only `key`. One zero byte: every key from `key` on. Otherwise the first key behind
    /// the range.
    pub range_end: Blob,
}

impl Span {
    /// From a request's two fields.
    pub fn new(key: &Blob, range_end: &Blob) -> Self {
        Span { key: key.clone(), range_end: range_end.clone() }
    }

    /// Just one key.
    pub fn one(key: &Blob) -> Self {
        Span { key: key.clone(), range_end: Blob::default() }
    }

    /// The span of all keys.
    pub fn everything() -> Self {
        Span { key: Blob::from(&[0]), range_end: Blob::from(&[0]) }
    }

    /// Whether the span is a single key.
    #[inline]
    pub fn is_one(&self) -> bool {
        self.range_end.is_empty()
    }

    fn is_open(&self) -> bool {
        self.range_end.as_slice() == [0]
    }

    /// Whether the span holds `key`.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        if self.is_one() {
            return key == self.key.as_slice();
        }
        key >= self.key.as_slice() && (self.is_open() || key < self.range_end.as_slice())
    }

    /// Whether some key could be in both spans.
    pub fn overlaps(&self, other: &Span) -> bool {
        if self.is_one() {
            return other.contains(&self.key);
        }
        if other.is_one() {
            return self.contains(&other.key);
        }
        let below = |a: &Span, b: &Span| a.is_open() || b.key.as_slice() < a.range_end.as_slice();
        below(self, other) && below(other, self)
    }

    /// The bounds for an ordered map; None if the span is empty or a single key.
    #[inline]
    pub(super) fn bounds(&self) -> Option<Bounds<'_>> {
        if self.is_open() {
            return Some((Bound::Included(self.key.as_slice()), Bound::Unbounded));
        }
        (self.key.as_slice() < self.range_end.as_slice()).then(|| {
            (Bound::Included(self.key.as_slice()), Bound::Excluded(self.range_end.as_slice()))
        })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_one() {
            write!(f, "{}", self.key)
        } else if self.is_open() {
            write!(f, "[{}, …)", self.key)
        } else {
            write!(f, "[{}, {})", self.key, self.range_end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(key: &str, end: &str) -> Span {
        Span::new(&key.into(), &end.into())
    }

    #[test]
    fn a_span_contains_its_keys_from_the_first_to_before_the_end() {
        assert!(span("b", "").contains(b"b") && !span("b", "").contains(b"ba"));
        let inside = |key: &[u8]| span("b", "d").contains(key);
        assert!(!inside(b"a") && inside(b"b") && inside(b"cz") && !inside(b"d"));
        let inside = |key: &[u8]| span("b", "\0").contains(key);
        assert!(!inside(b"a") && inside(b"b") && inside(&[0xff; 9]));
        assert!(Span::everything().contains(&[0]) && Span::one(&"k".into()).is_one());
    }

    #[test]
    fn spans_overlap_where_a_key_can_be_in_both() {
        let spans = [
            span("b", ""),
            span("c", ""),
            span("a", "c"),
            span("b", "d"),
            span("d", "f"),
            span("c", "\0"),
        ];
        let keys = ["a", "b", "bx", "c", "cx", "d", "e", "f"];
        for one in &spans {
            for other in &spans {
                let both =
                    |key: &&str| one.contains(key.as_bytes()) && other.contains(key.as_bytes());
                assert_eq!(one.overlaps(other), keys.iter().any(both), "{one} {other}");
            }
        }
    }

    #[test]
    fn a_span_that_ends_before_it_begins_has_no_bounds() {
        assert!(span("d", "b").bounds().is_none() && span("b", "").bounds().is_none());
        assert!(span("b", "d").bounds().is_some() && span("b", "\0").bounds().is_some());
    }

    #[test]
    fn a_span_is_shown_as_a_key_or_an_interval() {
        let shown = [span("b", ""), span("b", "d"), span("b", "\0")].map(|span| span.to_string());
        assert_eq!(shown, ["b", "[b, d)", "[b, …)"]);
    }
}
