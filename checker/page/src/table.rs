//! A table of a few rows for a terminal, in the order of time, with a time bar for each.

use std::fmt::Write as _;

use mettle_checker::history::Op;
use mettle_checker::words;
use mettle_checker::words::row::Row;

/// The most rows on one screen.
const MOST: usize = 16;
/// The width of the time bar, in characters.
const BAR: u64 = 20;
/// The width of a request and of an answer, in characters.
const ASK: usize = 44;
const SAY: usize = 60;

/// The table, one line for each row, with a line feed at the end of each; `counted` means that
/// times are numbers of events.
pub fn table(mut rows: Vec<Row>, counted: bool) -> String {
    rows.sort_by_key(|row| (row.call, row.id));
    // The culprit stands at the end.
    let more = rows.len().saturating_sub(MOST);
    rows.drain(..more);
    let lines: Vec<[String; 6]> = rows.iter().map(|row| cells(row, &rows, counted)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut table = String::new();
    if more > 0 {
        let _ = writeln!(table, "    {more} more, and then");
    }
    for [id, at, who, bar, ask, say] in &lines {
        let [a, b, c, _, d, _] = widths;
        let line = format!("{id:>a$}  {at:>b$}  {who:<c$}  {bar}  {ask:<d$}  {say}");
        let _ = writeln!(table, "    {}", line.trim_end());
    }
    table
}

fn cells(row: &Row, all: &[Row], counted: bool) -> [String; 6] {
    let at = match (counted, row.returned) {
        (true, _) => format!("event {}", row.call),
        (false, Some(returned)) if returned > row.call => {
            format!("{} +{}", words::time(row.call), words::duration(returned - row.call))
        }
        (false, _) => words::time(row.call),
    };
    let member = if row.member > 0 { format!(" m{}", row.member) } else { String::new() };
    [
        format!("{}{}", if counted { "line " } else { "#" }, row.id),
        at,
        match row.op {
            Op::Quiesced => "recorder".to_owned(),
            _ => format!("{}{member}", words::who(row.process)),
        },
        bar(row, all),
        words::cut(&row.ask, ASK),
        words::cut(&row.answer(), SAY),
    ]
}

/// `  [==]   `: the interval of an operation among the others; `[==>` if it never returned.
fn bar(row: &Row, all: &[Row]) -> String {
    // A create request may lie long before the other rows.
    let near = || all.iter().filter(|row| row.op != Op::WatchCreate);
    let first = near().map(|row| row.call).min().unwrap_or(row.call);
    let last = near().map(|row| row.returned.unwrap_or(row.call)).max().unwrap_or(first);
    let place = |at: u64| {
        let share = u128::from(at.saturating_sub(first)) * u128::from(BAR - 1);
        (share / u128::from((last - first).max(1))).min(u128::from(BAR - 1)) as u64
    };
    let from = place(row.call);
    let to = row.returned.map_or(BAR - 1, place);
    (0..BAR)
        .map(|column| match column {
            _ if column == from && row.call < first => '<',
            _ if column == from && from == to => '|',
            _ if column == from => '[',
            _ if column == to && row.returned.is_some() => ']',
            _ if column == to => '>',
            _ if from < column && column < to => '=',
            _ => '.',
        })
        .collect()
}
