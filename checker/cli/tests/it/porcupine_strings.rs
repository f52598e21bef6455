//! Fifty clients on ten strings, legal and not, within few steps: the search looks ahead to what
//! the next read needs.

use crate::string_histories::strings;
use mettle_check::import::Input;
use mettle_check::judge;
use mettle_checker::{Options, Report};

fn judged(puts: u64, stale: bool) -> Report {
    judge(&Input::Strings(strings(50, 100, (puts, stale))), &Options::default())
}

#[test]
fn fifty_clients() {
    for puts in [0, 2, 10] {
        let legal = judged(puts, false);
        assert_eq!(legal.verdict.name(), "legal", "{puts} % puts");
        assert!(legal.figures.steps < 200_000, "{puts} % puts: {} steps", legal.figures.steps);
        if puts > 2 {
            continue; // too short-lived for a read of what was there long ago
        }
        let broken = judged(puts, true);
        assert_eq!(broken.verdict.name(), "broken", "{puts} % puts");
        assert!(broken.figures.steps < 2_000_000, "{puts} % puts: {} steps", broken.figures.steps);
    }
}
