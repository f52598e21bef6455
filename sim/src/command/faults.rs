//! `faults`: the page of faults.

use mettle_scenarios::fault;

use crate::console::Console;

/// Prints the page.
pub(crate) fn faults(console: Console) {
    console.say(&fault::page());
}
