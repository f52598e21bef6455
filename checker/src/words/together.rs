//! A sentence about several contradicting operations.

use std::fmt::Write as _;

use super::row::Row;
use super::who;
use crate::history::Outcome;

/// The most operations that are named, the last ones.
const NAMED: usize = 8;

/// `no order explains the answers of 2 operations, …: write 1 by c5, then read by c11 (2)`, for
/// rows in the order of their calls. With `anywhere` the sentence says that no initial state helps.
/// other from every initial state.
pub fn together(rows: &[&Row], anywhere: bool) -> String {
    let which = match rows.len() {
        1 => "the answer of one operation".to_owned(),
        many => format!("the answers of {many} operations"),
    };
    let before = if anywhere { "whatever was there before, and " } else { "" };
    let mut text = format!(
        "no order explains {which}, {before}even if every other one{} took effect at any time since \
         its call or never: ",
        if anywhere { " since then" } else { "" }
    );
    let mut returned: Option<u64> = None;
    let more = rows.len().saturating_sub(NAMED);
    if more > 0 {
        let _ = write!(text, "{more} operations, then ");
    }
    for (place, row) in rows[more..].iter().enumerate() {
        if place > 0 {
            let after = returned.is_some_and(|returned| returned < row.call);
            text.push_str(if after { ", then " } else { ", at the same time " });
        }
        text.push_str(&one(row));
        returned = Some(returned.unwrap_or(0).max(row.returned.unwrap_or(u64::MAX)));
    }
    text
}

/// `read by c11, answered 2`
fn one(row: &Row) -> String {
    let said = row.outcome == Outcome::Ok && row.say != "done";
    let answer = if said { format!(" ({})", row.answer()) } else { String::new() };
    format!("{} by {}{answer}", row.ask, who(row.process))
}
