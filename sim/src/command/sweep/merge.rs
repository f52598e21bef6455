//! `merge`: the files that the shares of one sweep kept, put together as one sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::kept::{self, Kept};
use super::tally::{Tally, count};
use crate::args::MergeArgs;
use crate::console::Console;
use crate::error::HarnessError;
use crate::share::Shard;

/// Reads the files, sums them up, and says what is missing.
pub(crate) fn merge(args: &MergeArgs) -> Result<u8, HarnessError> {
    let console = Console::new(args.json);
    let mut shares: BTreeMap<Shard, Kept> = BTreeMap::new();
    let first = &args.files[0];
    for file in &args.files {
        let kept = kept::read(file)?;
        let refused =
            |why| HarnessError::NotOneSweep { path: file.clone(), first: first.clone(), why };
        if let Some(other) = shares.values().next()
            && !kept.head.is_shard_of(&other.head)
        {
            return Err(refused("scenarios, seeds, --same or the number of shares differ"));
        }
        if shares.insert(kept.head.shard, kept).is_some() {
            return Err(refused("another file holds the same share"));
        }
    }
    let page = pages(first, &shares);
    let mut made = BTreeSet::new();
    for (kept, ended) in
        shares.values().flat_map(|kept| kept.ended.iter().map(move |ended| (kept, ended)))
    {
        if !made.insert((&ended.scenario, ended.seed)) {
            return Err(HarnessError::MadeTwice {
                scenario: ended.scenario.clone(),
                seed: ended.seed,
                shard: kept.head.shard.to_string(),
            });
        }
    }
    let wanted = shares
        .values()
        .next()
        .map_or(0, |kept| (kept.head.to - kept.head.from) * kept.head.scenarios.len() as u64);
    let mut tally = Tally::new(wanted);
    for ended in shares.values().flat_map(|kept| &kept.ended) {
        if let Some(line) = ended.failure_line() {
            console.say(&line);
        }
        tally.add(ended);
    }
    let summary = tally.summary();
    console.say(&summary.page());
    for line in &page {
        console.say(line);
    }
    console.object(&summary)?;
    Ok(tally.exit_code())
}

/// What stands below the figures: shares that are missing or stopped, builds that differ.
fn pages(first: &Path, shares: &BTreeMap<Shard, Kept>) -> Vec<String> {
    let mut lines = Vec::new();
    let of = shares.keys().next().map_or(0, |shard| shard.of);
    for number in 1..=of {
        let shard = Shard { number, of };
        match shares.get(&shard) {
            None => lines.push(format!("  share {shard} is missing")),
            Some(kept) if (kept.ended.len() as u64) < kept.head.runs() => {
                let left = count(kept.head.runs() - kept.ended.len() as u64, "run");
                lines.push(format!("  share {shard} stopped before its last {left}"));
            }
            Some(_) => {}
        }
    }
    let build = shares.values().next().map(|kept| kept.head.build.as_str());
    if shares.values().any(|kept| Some(kept.head.build.as_str()) != build) {
        let first = first.display();
        lines.push(format!("  not all shares were made by the build that made {first}"));
    }
    lines
}
