//! Shares of a sweep: the runs that one shard makes, and the passes that are made twice.

use std::fmt;
use std::hash::Hasher as _;
use std::str::FromStr;

use mettle_scenarios::Plan;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

/// Share `number` of `of` shares, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shard {
    /// Which share, from 1.
    pub(crate) number: u64,
    /// Of how many.
    pub(crate) of: u64,
}

impl Shard {
    /// Every run.
    pub(crate) const WHOLE: Shard = Shard { number: 1, of: 1 };

    /// Whether the share has the run at this place.
    pub(crate) fn has(self, place: u64) -> bool {
        place % self.of == self.number - 1
    }

    /// How many of so many runs the share has.
    pub(crate) fn share(self, runs: u64) -> u64 {
        (runs + self.of - self.number) / self.of
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let wrong = || "write a share I/N, such as 2/4, with I from 1 to N".to_owned();
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let of: u64 = of.parse().map_err(|_| wrong())?;
        if number == 0 || number > of || of > 1_000_000 {
            return Err(wrong());
        }
        Ok(Shard { number, of })
    }
}

/// A share of plans, in thousandths: which of them are in it depends on scenario and seed alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share(u32);

impl Share {
    /// In thousandths.
    pub(crate) fn permille(self) -> u32 {
        self.0
    }

    /// Whether a plan is in the share.
    pub(crate) fn has(self, plan: &Plan) -> bool {
        let mut hasher = SipHasher13::new();
        hasher.write(plan.scenario.as_bytes());
        hasher.write_u64(plan.seed);
        hasher.finish() % 1000 < u64::from(self.0)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let wrong = || "write a share in percent, such as 10%".to_owned();
        let percent: f64 =
            text.strip_suffix('%').ok_or_else(wrong)?.parse().map_err(|_| wrong())?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(wrong());
        }
        Ok(Share((percent * 10.0).round() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_in_one_share() {
        for of in 1..=5 {
            let shards = (1..=of).map(|number| Shard { number, of });
            for runs in 0..=11 {
                let mut seen = 0;
                for shard in shards.clone() {
                    let own = (0..runs).filter(|place| shard.has(*place)).count() as u64;
                    assert_eq!(own, shard.share(runs), "{shard} of {runs}");
                    seen += own;
                }
                assert_eq!(seen, runs);
            }
        }
    }

    #[test]
    fn a_share_is_read_as_it_is_shown() {
        assert_eq!("2/4".parse(), Ok(Shard { number: 2, of: 4 }));
        assert_eq!(Shard { number: 2, of: 4 }.to_string(), "2/4");
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0", "1/9999999"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_a_share_of_seeds() {
        let text = "title='t'\nwhy='w'\n[cluster]\n";
        let scenario = mettle_scenarios::parse("x", "test/x", text, &[]).unwrap();
        let plan = |seed| crate::planner::plan(&scenario, seed, &[]);
        let of = |share: &str| {
            let share: Share = share.parse().unwrap();
            (0..500).filter(|seed| share.has(&plan(*seed))).count()
        };
        assert_eq!((of("0%"), of("100%")), (0, 500));
        assert!((25..75).contains(&of("10%")), "{}", of("10%"));
        for wrong in ["10", "x%", "101%", "-1%"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }
}
