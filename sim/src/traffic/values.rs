//! Values: told apart by their names, of the lengths and contents that the plan asks for.

use mettle_checker::history::Blob;
use mettle_scenarios::settings::{LONGEST_VALUE, Values, wide};
use rand::RngCore as _;

use super::LaneNumber;
use crate::stream::{Stream, Streams};

/// Bytes of values in one request, after which they are as short as can be: below the server's
/// limit for a request, with room for keys.
const REQUEST_BYTES: u64 = 1_400_000;

/// How many values are written again and again.
const REPEATED: u64 = 4;

/// Draws the values of one operation.
pub(super) struct ValueDraw<'a> {
    settings: &'a Values,
    stream: Stream,
    /// Names the operation.
    name: String,
    drawn: u32,
    bytes: u64,
}

impl ValueDraw<'_> {
    /// For the operation of a lane that has this ordinal.
    pub(super) fn new(
        streams: Streams,
        lane: LaneNumber,
        ordinal: u64,
        settings: &Values,
    ) -> ValueDraw<'_> {
        let stream = streams.open("traffic-value", lane.entity(), ordinal);
        ValueDraw { settings, stream, name: format!("{lane}.{ordinal}"), drawn: 0, bytes: 0 }
    }

    /// The next value: another one than all others, unless it is empty or a repeated one.
    pub(super) fn next(&mut self) -> Blob {
        self.drawn += 1;
        let name = format!("{}.{}", self.name, self.drawn);
        let Values { least, most, large_permille, binary_permille, repeated_permille } =
            *self.settings;
        if self.permille(repeated_permille) {
            return Blob::from(format!("again.{}", self.stream.below(REPEATED)));
        }
        if most == 0 && large_permille == 0 {
            return Blob::from(name);
        }
        let (low, high) =
            if self.permille(large_permille) { (most, LONGEST_VALUE) } else { (least, most) };
        let length = wide(low, high, |low, high| self.stream.between(low, high));
        let length = length.min(REQUEST_BYTES.saturating_sub(self.bytes));
        let binary = self.permille(binary_permille);
        self.bytes += length;
        if length == 0 {
            return Blob::default();
        }
        Blob::from(&self.filled(name, length as usize, binary)[..])
    }

    /// The name, and then up to `length` bytes: a block that repeats.
    fn filled(&mut self, name: String, length: usize, binary: bool) -> Vec<u8> {
        let mut value = name.into_bytes();
        if length <= value.len() {
            return value;
        }
        value.push(b':');
        let mut block = [b'.'; 61];
        if binary {
            self.stream.fill_bytes(&mut block);
        }
        let missing = length.saturating_sub(value.len());
        value.extend(block.iter().cycle().take(missing));
        value
    }

    fn permille(&mut self, chance: u64) -> bool {
        chance > 0 && self.stream.below(1000) < chance
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::host::ClientNumber;

    fn values(settings: &Values, seed: u64) -> Vec<Blob> {
        let lane = LaneNumber { client: ClientNumber::traffic(3), lane: 0 };
        let of = |ordinal| {
            let mut draw = ValueDraw::new(Streams::new(seed), lane, ordinal, settings);
            [draw.next(), draw.next(), draw.next()]
        };
        (1..200).flat_map(of).collect()
    }

    proptest! {
        #[test]
        fn values_are_within_their_lengths_and_told_apart(
            seed: u64, least in 0u64..3000, more in 0u64..3000, binary in 0u64..=1000,
        ) {
            let most = least + more;
            let settings = Values { least, most, binary_permille: binary, ..Values::default() };
            let values = values(&settings, seed);
            let longest = values.iter().map(Blob::len).max().unwrap();
            prop_assert!(longest <= most.max(12) as usize, "{longest}");
            let long: Vec<&Blob> = values.iter().filter(|value| !value.is_empty()).collect();
            prop_assert!(least == 0 || long.len() == values.len());
            prop_assert_eq!(long.iter().collect::<BTreeSet<_>>().len(), long.len());
        }
    }

    #[test]
    fn large_empty_and_repeated_values_come_as_often_as_asked() {
        let settings = Values {
            most: 1 << 10,
            large_permille: 100,
            repeated_permille: 200,
            ..Values::default()
        };
        let values = values(&settings, 7);
        let share =
            |what: &dyn Fn(&Blob) -> bool| values.iter().filter(|value| what(value)).count();
        assert!((90..150).contains(&share(&|value| value.starts_with(b"again."))));
        assert!((30..80).contains(&share(&|value| value.len() > 1 << 10)));
        assert!(share(&|value| value.len() > 1 << 19) > 2);
        assert!((20..80).contains(&share(&|value| value.is_empty())));
    }

    #[test]
    fn a_request_stays_below_the_limit() {
        let settings = Values { least: 1 << 20, most: 1 << 20, ..Values::default() };
        let lane = LaneNumber { client: ClientNumber::traffic(1), lane: 0 };
        let mut draw = ValueDraw::new(Streams::new(1), lane, 1, &settings);
        let bytes: usize = (0..128).map(|_| draw.next().len()).sum();
        assert!((1 << 20..1_450_000).contains(&bytes), "{bytes}");
    }
}
