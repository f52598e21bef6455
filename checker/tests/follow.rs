//! Who follows a recording says in the end what is said of the whole, however it comes in portions.

mod world;

use mettle_checker::follow::{FollowOptions, Follower, Progress};
use mettle_checker::history::{History, Record};
use mettle_checker::{Contradiction, Options, Report, Verdict, assumptions, check};
use world::damage::damage;
use world::{Dice, Shape, legal, legal_from_start};

/// A line of a recording that is written while it happens.
#[derive(Clone)]
enum Line {
    Record(Box<Record>),
    CalledBefore(u64),
}

/// The lines in the order in which a recorder writes them: each record when it ended (an unknown
/// outcome some time after its call), and now and then what was called.
fn lines(history: &History, dice: &mut Dice) -> Vec<Line> {
    let mut ended: Vec<(u64, u64, &Record)> = Vec::new();
    for record in &history.records {
        let end = record.return_ns.unwrap_or_else(|| record.call_ns + dice.below(300));
        ended.push((end, record.call_ns, record));
    }
    ended.sort_by_key(|(end, call, record)| (*end, *call, record.id));
    if history.origin.start_revision.is_some_and(|revision| revision > 1) {
        let first = ended.iter().position(|(_, _, record)| record.id == history.records[0].id);
        let first = ended.remove(first.expect("the first record"));
        ended.insert(0, first);
    }
    let mut left: Vec<u64> = vec![u64::MAX; ended.len() + 1];
    for place in (0..ended.len()).rev() {
        left[place] = left[place + 1].min(ended[place].1);
    }
    let often = 1 + dice.below(60);
    let mut lines = Vec::new();
    for (place, (_, _, record)) in ended.iter().enumerate() {
        lines.push(Line::Record(Box::new((*record).clone())));
        if dice.chance(often) && left[place + 1] < u64::MAX {
            lines.push(Line::CalledBefore(left[place + 1].saturating_sub(dice.below(20))));
        }
    }
    lines
}

/// What the follower says, and how much it kept at most.
fn follow(
    history: &History,
    lines: &[Line],
    options: FollowOptions,
) -> Result<(Report, Progress), Contradiction> {
    let mut follower = Follower::new(history.origin.clone(), options);
    for line in lines {
        match line {
            Line::Record(record) => follower.push((**record).clone())?,
            Line::CalledBefore(ns) => follower.called_before(*ns)?,
        };
    }
    let progress = follower.settle()?;
    Ok((follower.finish()?, progress))
}

fn agree(shape: Shape, damages: u64, start: bool) -> Progress {
    let mut dice = Dice::new(shape.seed ^ 0xf0110);
    let mut history = if start { legal_from_start(shape) } else { legal(shape) };
    if shape.before == 0 {
        history.origin.start_revision.get_or_insert(1);
    }
    for _ in 0..damages {
        if history.records.len() > 2 {
            damage(&mut history, &mut dice);
        }
    }
    if assumptions(&history).is_err() && dice.chance(90) {
        return Progress::default(); // refused by both, or found broken before
    }
    let whole = check(&history, &Options::default());
    let lines = lines(&history, &mut dice);
    let options = FollowOptions { window: 1 + dice.below(40) as usize, ..FollowOptions::default() };
    let (report, progress) = match follow(&history, &lines, options) {
        Ok(said) => said,
        Err(contradiction) => {
            let own = assumptions(&history);
            assert!(own.is_err(), "{shape:?}: {contradiction}");
            return Progress::default();
        }
    };
    if assumptions(&history).is_err() {
        assert_eq!(report.verdict.name(), "broken");
        return progress;
    }
    // Leases that come up late are not judged yet.
    let late = matches!(&report.verdict, Verdict::Unknown(doubt) if doubt.checker == "lease");
    if late && shape.leases > 0 {
        return progress;
    }
    // What follows may find a way where the search over the whole gives up.
    let open = matches!(whole.verdict, Verdict::Unknown(_));
    if !open && whole.verdict.name() != report.verdict.name() {
        let path = std::env::temp_dir().join(format!("mettle-follow-{}.ndjson", shape.seed));
        std::fs::write(&path, history.write_to(Vec::new()).expect("memory")).expect("written");
        panic!(
            "{shape:?} {options:?} {progress:?}:\n whole {:?}\n followed {:?}\n{}",
            whole.verdict,
            report.verdict,
            path.display()
        );
    }
    if report.verdict == Verdict::Legal {
        assert_eq!(whole.figures.ok, report.figures.ok);
        assert_eq!(whole.figures.events, report.figures.events);
        assert_eq!(whole.figures.watchers, report.figures.watchers);
        assert_eq!(whole.figures.revisions, report.figures.revisions);
    }
    progress
}

fn shape(seed: u64) -> Shape {
    let mut dice = Dice::new(seed ^ 0x77);
    Shape {
        seed,
        processes: 2 + dice.below(6),
        operations: 20 + dice.below(150),
        keys: 1 + dice.below(6),
        unknown_per_mille: [0, 50, 150, 400][dice.below(4) as usize],
        watchers: dice.below(4),
        unique: dice.chance(70),
        simple: dice.chance(30),
        compaction: dice.chance(60),
        keeps: dice.chance(50),
        before: dice.below(40),
        quiet: dice.chance(50),
        leases: 0,
        renewals: false,
    }
}

#[test]
fn legal_recordings() {
    for seed in 0..500 {
        let shape = shape(seed);
        agree(Shape { before: 0, ..shape }, 0, false);
        agree(shape, 0, true);
    }
}

/// A store that held keys, in a recording that does not say so, is learned from the whole of it.
#[test]
fn a_start_that_is_not_said() {
    for seed in 0..300 {
        agree(Shape { before: 60, ..shape(seed) }, 0, false);
        agree(Shape { before: 60, ..shape(seed) }, 1 + seed % 3, false);
    }
}

#[test]
fn recordings_with_leases() {
    for seed in 0..400 {
        let shape = Shape { before: 0, leases: 1 + seed % 4, renewals: true, ..shape(seed) };
        agree(shape, 0, false);
        agree(shape, 1 + seed % 3, false);
    }
}

/// Where everything has to wait for the end, there is an end to what is kept.
#[test]
fn too_much_to_keep() {
    let history = legal(Shape { before: 60, operations: 200, ..Shape::default() });
    let lines = lines(&history, &mut Dice::new(1));
    let options = FollowOptions { window: 10, whole: 100, ..FollowOptions::default() };
    let (report, progress) = follow(&history, &lines, options).expect("a legal history");
    let Verdict::Unknown(doubt) = &report.verdict else { panic!("{:?}", report.verdict) };
    assert!(doubt.reason.contains("more than 100 records"), "{}", doubt.reason);
    assert!(progress.decided && progress.kept == 0, "{progress:?}");
}

#[test]
fn damaged_recordings() {
    for seed in 0..700 {
        let shape = shape(seed);
        agree(Shape { before: 0, ..shape }, 1 + seed % 3, false);
    }
}

/// `cargo test --release -p mettle-checker --test follow -- --ignored`
#[test]
#[ignore = "twenty thousand histories take minutes"]
fn many_recordings() {
    for seed in 1_000..20_000 {
        let shape = Shape { before: 0, ..shape(seed) };
        agree(shape, seed % 4, false);
    }
}

/// Most of a recording is judged, and let go, before it ends.
#[test]
fn what_is_certain_is_let_go() {
    let (mut judged, mut revisions, mut kept, mut records) = (0, 0, 0, 0);
    for seed in 0..200 {
        let shape = Shape { before: 0, unknown_per_mille: 20, watchers: 1, ..shape(seed) };
        let history = legal(shape);
        let mut dice = Dice::new(seed);
        let lines = lines(&history, &mut dice);
        let options = FollowOptions { window: 10, ..FollowOptions::default() };
        let (report, progress) = follow(&history, &lines, options).expect("a legal history");
        judged += progress.revision;
        kept += progress.kept;
        records += progress.records;
        revisions += report.figures.revisions;
    }
    assert!(judged * 10 > revisions * 7, "{judged} of {revisions}");
    assert!(kept as u64 * 3 < records, "{kept} of {records}");
}
