//! Times as a person writes them: `10s`, `250ms`, and ranges such as `5s..20s`.

use std::fmt;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: u64 = 1_000_000;

/// Units, longest first, with their length in ns.
const UNITS: [(&str, u64); 5] =
    [("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// Longest time accepted: a day.
const LONGEST_NS: u64 = 86_400_000_000_000;

/// A time to be drawn: anywhere from `min_ns` to `max_ns`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// At least.
    pub min_ns: u64,
    /// At most.
    pub max_ns: u64,
}

impl Draw {
    /// Always this time.
    pub const fn exactly(ns: u64) -> Draw {
        Draw { min_ns: ns, max_ns: ns }
    }

    /// From one time to another.
    pub const fn between(min_ns: u64, max_ns: u64) -> Draw {
        Draw { min_ns, max_ns }
    }

    /// Reads `10s` or `5s..20s`; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Draw, String> {
        let Some((from, to)) = text.split_once("..") else {
            return parse_ns(text).map(Draw::exactly);
        };
        let (min_ns, max_ns) = (parse_ns(from)?, parse_ns(to)?);
        if min_ns > max_ns {
            return Err(format!("range runs backwards: {from} is later than {to}"));
        }
        Ok(Draw { min_ns, max_ns })
    }
}

impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min_ns == self.max_ns {
            f.write_str(&written(self.min_ns))
        } else {
            write!(f, "{}..{}", written(self.min_ns), written(self.max_ns))
        }
    }
}

/// A time in the longest unit that says it without a fraction.
pub fn written(ns: u64) -> String {
    if ns == 0 {
        return "0s".to_owned();
    }
    let (unit, length) =
        UNITS.into_iter().find(|(_, length)| ns.is_multiple_of(*length)).expect("ns divides all");
    format!("{}{unit}", ns / length)
}

fn parse_ns(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(format!("negative time `{text}`"));
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(format!("`{text}` is not a time"));
    }
    let Some((_, length)) = UNITS.into_iter().find(|(word, _)| *word == unit.trim()) else {
        return Err(match unit {
            "" => format!("`{text}` has no unit"),
            _ => format!("unknown unit `{}`", unit.trim()),
        });
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(length))
        .filter(|ns| *ns <= LONGEST_NS)
        .ok_or_else(|| format!("`{text}` is longer than a day"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_and_ranges_are_read() {
        assert_eq!(Draw::parse("250ms"), Ok(Draw::exactly(250_000_000)));
        assert_eq!(
            Draw::parse("5s..2m"),
            Ok(Draw { min_ns: 5_000_000_000, max_ns: 120_000_000_000 })
        );
        assert_eq!(Draw::parse(" 5s .. 20s "), Draw::parse("5s..20s"));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (text, says) in [
            ("-5s", "negative time `-5s`"),
            ("5", "`5` has no unit"),
            ("5 parsecs", "unknown unit `parsecs`"),
            ("20s..5s", "range runs backwards: 20s is later than 5s"),
            ("soon", "`soon` is not a time"),
            ("", "`` is not a time"),
            ("99999999999999999999s", "`99999999999999999999s` is longer than a day"),
            ("1.5s", "unknown unit `.5s`"),
        ] {
            assert_eq!(Draw::parse(text), Err(says.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(a in 0..LONGEST_NS, b in 0..LONGEST_NS) {
            let draw = Draw { min_ns: a.min(b), max_ns: a.max(b) };
            prop_assert_eq!(Draw::parse(&draw.to_string()), Ok(draw));
        }
    }
}
