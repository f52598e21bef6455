//! The page of faults, `scenarios/FAULTS.md`, written from the table.

use std::fmt::Write as _;

use super::{Group, Kind, Trigger, all};

const HEAD: &str = "\
# Faults

What a `[[fault]]` of a scenario can be. A test writes this page from the table of faults
(`UPDATE_EXPECT=1 cargo test -p mettle-scenarios`); `cargo sim faults` prints it.

Every fault has `kind`, and may have:

| key | what |
|---|---|
| `target` | Whom it strikes: a group, two groups as `[\"struck\", \"leader\"]`, or a link as `{ from = \"leader\", to = \"follower\" }`. |
| `at` | When it begins, or from when on it waits: a time or a range of times from the start of the run. |
| `after`, `delay` | What it waits for, and how long after that it begins. |
| `for` | How long it lasts. |
| `every`, `times` | From one start to the next, and how often at most. |
| `then` | Steps that follow, each a `[[fault.then]]`. A step without `after` begins when the step before is over; with `after` it waits from the beginning of the step before. |
| `name` | What `after = \"fault:NAME\"` calls it. |
";

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let groups = ["m1", "m2"].into_iter().chain(Group::WORDS).map(code).collect::<Vec<_>>();
    let triggers = Trigger::WORDS.map(code);
    write!(
        page,
        "\nGroups: {}. Triggers: {}.\n\n\
         A fault that damages copies strikes fewer members than a quorum in a run, unless the \
         scenario says `unrestricted = true`; what would strike more is skipped and counted.\n",
        groups.join(", "),
        triggers.join(", "),
    )
    .expect("a string takes all");
    let mut family_before = "";
    for (family, kind) in all() {
        if family.name != family_before {
            write!(page, "\n## {}\n\n{TABLE}", family.name).expect("a string takes all");
            family_before = family.name;
        }
        page.push_str(&row(kind));
    }
    page
}

const TABLE: &str = "\
| fault | what | keys | aimed at | lasts | effect |
|---|---|---|---|---|---|
";

fn code(word: &str) -> String {
    format!("`{word}`")
}

fn row(kind: &Kind) -> String {
    let keys = kind.keys().into_iter().map(|(key, usual)| format!("`{key} = {usual}`"));
    let mut aimed = vec![format!("usually {}", code(&kind.usual_target.to_string()))];
    let targets = kind.targets;
    aimed.extend(targets.takes_links.then(|| "or a link".to_owned()));
    aimed.extend(targets.strikes_stopped.then(|| "also one that is down".to_owned()));
    let least = targets.needs_members.max(if targets.needs_peers { 2 } else { 1 });
    aimed.extend((least > 1).then(|| format!("of {least} members or more")));
    let damages = if kind.damages { " It damages copies." } else { "" };
    format!(
        "| {} | {}{damages} | {} | {} | {} | {} |\n",
        code(kind.word),
        kind.about,
        keys.collect::<Vec<_>>().join(", "),
        aimed.join(", "),
        kind.lasts_in_words(),
        kind.effect,
    )
}
