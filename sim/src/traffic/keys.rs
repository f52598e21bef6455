//! Keys: from numbers to names, in an order that both share.

use mettle_checker::history::Blob;
use mettle_scenarios::settings::{KeyShape, Traffic};

use crate::stream::Stream;

/// Every key of a shape that is not binary begins with this.
const PREFIX: &[u8] = b"k";

/// The keys of a run's traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyNames {
    count: u32,
    shape: KeyShape,
    hot_keys: u64,
    hot_permille: u64,
}

/// First key and end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first key.
    pub(super) key: Blob,
    /// The first key that is no longer meant; empty for a single key, `\0` for no end.
    pub(super) range_end: Blob,
}

impl KeyNames {
    /// The keys of a run.
    pub(super) fn new(traffic: &Traffic) -> KeyNames {
        KeyNames {
            count: traffic.keys.max(1) as u32,
            shape: traffic.key_space.shape,
            hot_keys: traffic.key_space.hot_keys,
            hot_permille: traffic.key_space.hot_permille,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Whether names are more than a prefix and a number.
    pub(super) fn is_plain(&self) -> bool {
        self.shape == KeyShape::Plain
    }

    /// Draws the number of a key.
    pub(super) fn draw(&self, stream: &mut Stream) -> u32 {
        let hot = self.hot_permille > 0 && stream.below(1000) < self.hot_permille;
        let among = if hot { self.hot_keys.min(self.count.into()) } else { self.count.into() };
        stream.below(among) as u32
    }

    /// The name of a key by its number; names sort as numbers do, beyond the last key as well.
    pub(super) fn name(&self, number: u32) -> Blob {
        match self.shape {
            KeyShape::Plain => Blob::from(format!("k{number:04}")),
            KeyShape::Nested => {
                let below = ["", "/a", "/a/b"][number as usize % 3];
                Blob::from(format!("k{:04}{below}", number / 3))
            }
            KeyShape::Binary => Blob::from(&self.binary(number)[..]),
        }
    }

    /// The first and the last key have no prefix: they stand at the ends of the key space.
    fn binary(&self, number: u32) -> Vec<u8> {
        if number == 0 {
            return vec![0];
        }
        if number + 1 >= self.count {
            let mut name = vec![0xff, 0xff];
            if number >= self.count {
                name.extend(number.to_be_bytes());
            }
            return name;
        }
        let [_, high, middle, low] = (number / 4).to_be_bytes();
        let mut name = [PREFIX, &[high, middle, low]].concat();
        name.extend([&[][..], &[0], &[0, 0], &[0xff]][number as usize % 4]);
        name
    }

    /// Every key that begins with the prefix of all (in a binary shape all but the first and last).
    pub(super) fn prefix() -> Span {
        beginning_with(PREFIX)
    }

    /// Every key that begins with the name of a key, or with what it has in common with others.
    pub(super) fn beneath(&self, number: u32) -> Span {
        let name = self.name(number);
        let common = match self.shape {
            KeyShape::Plain => name.len().saturating_sub(1),
            KeyShape::Nested => name.len(),
            KeyShape::Binary => name.len().min(4),
        };
        beginning_with(&name[..common])
    }

    /// Every key there is.
    pub(super) fn everything() -> Span {
        Span { key: Blob::from(&[0u8]), range_end: Blob::from(&[0u8]) }
    }
}

/// Every key that begins with a prefix: up to the prefix with its last byte raised, or without end
/// when no byte can be.
fn beginning_with(prefix: &[u8]) -> Span {
    let kept = prefix.len() - prefix.iter().rev().take_while(|byte| **byte == 0xff).count();
    let mut end = prefix[..kept].to_vec();
    match end.last_mut() {
        Some(last) => *last += 1,
        None => end = vec![0],
    }
    Span { key: Blob::from(prefix), range_end: Blob::from(&end[..]) }
}

#[cfg(test)]
mod tests {
    use mettle_scenarios::settings::KeySpace;
    use proptest::prelude::*;

    use super::*;
    use crate::stream::Streams;

    fn names(shape: KeyShape, keys: u64) -> KeyNames {
        let key_space = KeySpace { shape, ..KeySpace::default() };
        KeyNames::new(&Traffic { keys, key_space, ..Traffic::default() })
    }

    const SHAPES: [KeyShape; 3] = [KeyShape::Plain, KeyShape::Nested, KeyShape::Binary];

    proptest! {
        #[test]
        fn names_sort_as_numbers_do(keys in 1u64..5000, a in 0u32..6000, b in 0u32..6000) {
            for shape in SHAPES {
                let names = names(shape, keys);
                prop_assert_eq!(a.cmp(&b), names.name(a).cmp(&names.name(b)), "{:?}", shape);
                prop_assert!(!names.name(a).is_empty());
            }
        }

        #[test]
        fn a_prefix_holds_what_begins_with_it_and_nothing_else(
            prefix in prop::collection::vec(prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 1..4),
            key in prop::collection::vec(prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 1..6),
        ) {
            let Span { key: first, range_end } = beginning_with(&prefix);
            let endless = &range_end[..] == b"\0";
            let inside = key[..] >= first[..] && (endless || key[..] < range_end[..]);
            prop_assert_eq!(inside, key.starts_with(&prefix));
        }
    }

    #[test]
    fn binary_names_end_in_the_lowest_and_the_highest_byte() {
        let names = names(KeyShape::Binary, 2000);
        let all: Vec<Blob> = (0..2000).map(|number| names.name(number)).collect();
        assert_eq!((&all[0][..], &all[1999][..]), (&[0][..], &[0xff, 0xff][..]));
        for byte in [0, 0xff] {
            assert!(all.iter().filter(|name| name.last() == Some(&byte)).count() > 400, "{byte}");
        }
    }

    #[test]
    fn hot_keys_are_taken_as_often_as_asked() {
        let key_space = KeySpace { hot_keys: 2, hot_permille: 800, ..KeySpace::default() };
        let names = KeyNames::new(&Traffic { keys: 1000, key_space, ..Traffic::default() });
        let mut stream = Streams::new(1).open("test", 0, 0);
        let hot = (0..10_000).filter(|_| names.draw(&mut stream) < 2).count();
        assert!((7_800..8_200).contains(&hot), "{hot}");
    }
}
