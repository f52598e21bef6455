//! Whole numbers as a person writes them: `8`, a range such as `"1..40"`, a list such as `[1, 3, 5]`.

use std::fmt;

/// A whole number to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// Always this one.
    One(u64),
    /// Anything from `low` to `high`, both included.
    Between {
        /// At least.
        low: u64,
        /// At most.
        high: u64,
        /// How the draws lie between them.
        spread: Spread,
    },
    /// One of a list, each as likely as the next.
    OneOf(Vec<u64>),
}

/// How draws lie in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Each number is as likely as the next.
    Even,
    /// Each power of two is as likely as the next: small numbers come as often as large ones.
    Wide,
}

impl Number {
    /// Reads `1..40`; the error says what is wrong with it.
    pub(crate) fn range(text: &str, spread: Spread) -> Result<Number, String> {
        let (low, high) = text.split_once("..").ok_or_else(|| format!("`{text}` is no range"))?;
        let end = |text: &str| {
            let text = text.trim();
            text.parse::<u64>().map_err(|_| format!("`{text}` is not a whole number"))
        };
        Number::between(end(low)?, end(high)?, spread)
    }

    /// Reads `200KiB` or `0B..1MiB`; the error says what is wrong with it.
    pub(crate) fn bytes(text: &str) -> Result<Number, String> {
        match text.split_once("..") {
            None => bytes(text).map(Number::One),
            Some((low, high)) => Number::between(bytes(low)?, bytes(high)?, Spread::Wide),
        }
    }

    fn between(low: u64, high: u64, spread: Spread) -> Result<Number, String> {
        match low.cmp(&high) {
            std::cmp::Ordering::Less => Ok(Number::Between { low, high, spread }),
            std::cmp::Ordering::Equal => Ok(Number::One(low)),
            std::cmp::Ordering::Greater => {
                Err(format!("range runs backwards: {low} is more than {high}"))
            }
        }
    }

    /// The smallest that can be drawn.
    pub fn least(&self) -> u64 {
        match self {
            Number::One(number) | Number::Between { low: number, .. } => *number,
            Number::OneOf(numbers) => numbers.iter().copied().min().unwrap_or(0),
        }
    }

    /// The largest that can be drawn.
    pub fn most(&self) -> u64 {
        match self {
            Number::One(number) | Number::Between { high: number, .. } => *number,
            Number::OneOf(numbers) => numbers.iter().copied().max().unwrap_or(0),
        }
    }

    /// Whether a draw decides.
    pub fn is_open(&self) -> bool {
        !matches!(self, Number::One(_))
    }

    /// What is left of it from `low` to `high`; nothing when no number is.
    pub fn within(&self, low: u64, high: u64) -> Option<Number> {
        match self {
            Number::One(number) => (low..=high).contains(number).then_some(Number::One(*number)),
            Number::Between { low: from, high: to, spread } => {
                let (low, high) = ((*from).max(low), (*to).min(high));
                (low <= high).then_some(Number::Between { low, high, spread: *spread })
            }
            Number::OneOf(numbers) => {
                let inside = numbers.iter().copied().filter(|number| (low..=high).contains(number));
                let numbers: Vec<u64> = inside.collect();
                (!numbers.is_empty()).then_some(Number::OneOf(numbers))
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::One(number) => number.fmt(f),
            Number::Between { low, high, .. } => write!(f, "{low}..{high}"),
            Number::OneOf(numbers) => {
                let words: Vec<String> = numbers.iter().map(u64::to_string).collect();
                f.write_str(&words.join(" or "))
            }
        }
    }
}

/// Units of bytes with their lengths.
const UNITS: [(&str, u64); 3] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)];

fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a size"))?;
    let unit = UNITS.into_iter().find(|(word, _)| *word == unit.trim());
    let length = unit.ok_or_else(|| format!("`{text}` has no unit that is known"))?.1;
    number.checked_mul(length).ok_or_else(|| format!("`{text}` is too much"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_refused_by_name() {
        let even = |text| Number::range(text, Spread::Even);
        let between = Number::Between { low: 1, high: 40, spread: Spread::Even };
        assert_eq!(even("1..40"), Ok(between.clone()));
        assert_eq!(even(" 1 .. 40 "), Ok(between));
        assert_eq!(even("7..7"), Ok(Number::One(7)));
        for (text, says) in [
            ("40..1", "range runs backwards: 40 is more than 1"),
            ("1..x", "`x` is not a whole number"),
            ("..4", "`` is not a whole number"),
            ("-1..4", "`-1` is not a whole number"),
            ("seven", "`seven` is no range"),
        ] {
            assert_eq!(even(text), Err(says.to_owned()));
        }
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(Number::bytes("200KiB"), Ok(Number::One(200 << 10)));
        let range = Number::Between { low: 0, high: 1 << 20, spread: Spread::Wide };
        assert_eq!(Number::bytes("0B..1MiB"), Ok(range));
        for (text, says) in [
            ("200", "`200` has no unit that is known"),
            ("2kb", "`2kb` has no unit that is known"),
            ("much", "`much` is not a size"),
            ("2KiB..1KiB", "range runs backwards: 2048 is more than 1024"),
        ] {
            assert_eq!(Number::bytes(text), Err(says.to_owned()));
        }
    }

    #[test]
    fn a_number_is_narrowed_to_what_is_possible() {
        let range = Number::Between { low: 5, high: 20, spread: Spread::Wide };
        let narrow = Number::Between { low: 8, high: 20, spread: Spread::Wide };
        assert_eq!(range.within(8, 100), Some(narrow));
        assert_eq!(range.within(21, 100), None);
        let list = Number::OneOf(vec![1, 3, 5]);
        assert_eq!(list.within(2, 9), Some(Number::OneOf(vec![3, 5])));
        assert_eq!(list.within(6, 9), None);
        assert_eq!(
            (Number::One(4).within(4, 4), Number::One(4).within(5, 9)),
            (Some(Number::One(4)), None)
        );
        assert_eq!((list.least(), list.most(), range.least(), range.most()), (1, 5, 5, 20));
        assert!(list.is_open() && range.is_open() && !Number::One(4).is_open());
    }
}
