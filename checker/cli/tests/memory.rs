//! The limit of memory holds: what a judgement takes is counted by an allocator of this test's own,
//! and compared with what the judge says that it needs and with what it may take. The allocator counts
//! for the whole process, so this test is alone in a program.

#[path = "../../tests/it/world/mod.rs"]
mod world;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use mettle_check::import::Input;
use mettle_check::page::page;
use mettle_checker::follow::{FollowOptions, Follower};
use mettle_checker::history::{self, Origin, Record};
use mettle_checker::{Options, Verdict, check, needed_bytes};
use mettle_search::register::{Register, RegisterOp};
use mettle_search::shrink::shrink;
use mettle_search::{Call, Limits, Outcome, search};
use world::{Dice, Shape, legal, without_headers};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "an allocator")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    /// As the system does it: large ones are moved without a copy beside them.
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let now = NOW.fetch_add(size, Ordering::Relaxed) + size - layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that was held above what was held before, in bytes.
fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = run();
    (result, PEAK.load(Ordering::Relaxed) - before)
}

/// What the judge says it needs is enough, for each kind of history, and not many times too much;
/// and with less it says so and takes next to nothing.
fn held_against(name: &str, shape: Shape) {
    let history = legal(shape);
    let own = needed_bytes(&history);
    let (report, judging) = peak(|| check(&history, &Options::default()));
    assert_eq!(report.verdict, Verdict::Legal, "{name}");
    let (copy, records) = peak(|| history.clone());
    drop(copy);
    let taken = (judging + records) as u64;
    assert!(taken <= own, "{name}: {taken} bytes taken, {own} counted");
    assert!(own <= 3 * taken + (128 << 10), "{name}: {taken} bytes taken, {own} counted");
    let less = Options { memory_bytes: own - 1, ..Options::default() };
    let (report, little) = peak(|| check(&history, &less));
    let Verdict::Unknown(doubt) = &report.verdict else { panic!("{name}: {:?}", report.verdict) };
    assert!(doubt.reason.contains("--memory gives more"), "{}", doubt.reason);
    assert!(little < 4096, "{name}: {little} bytes to say no");
}

/// The same of the page: what it says it needs is enough, and with less nothing of it is made.
fn page_held_against(name: &str, shape: Shape) {
    let input = Input::KeySpace(legal(shape));
    let Input::KeySpace(history) = &input else { unreachable!() };
    let report = check(history, &Options::default());
    let needed = page("history", &input, &report, 0).expect_err("nothing fits into nothing");
    let (copy, records) = peak(|| history.clone());
    drop(copy);
    let (made, making) = peak(|| page("history", &input, &report, needed).expect("room"));
    let taken = (making + records) as u64;
    assert!(taken <= needed, "{name}: {taken} bytes taken, {needed} counted");
    assert!(needed <= 4 * taken + (128 << 10), "{name}: {taken} bytes taken, {needed} counted");
    drop(made);
    let (none, little) = peak(|| page("history", &input, &report, needed - 1));
    assert_eq!(none, Err(needed), "{name}");
    assert!(little < making, "{name}: {little} bytes to say no, {making} for the page");
}

/// All in one test: what others allocate meanwhile would be counted.
#[test]
fn the_limit_holds() {
    let base = Shape {
        seed: 7,
        processes: 20,
        operations: 2_000,
        keys: 30,
        unknown_per_mille: 0,
        watchers: 0,
        simple: true,
        ..Shape::default()
    };
    let rich = Shape { simple: false, ..base };
    for (name, shape) in [
        ("simple", base),
        ("many keys", Shape { keys: 100_000, ..base }),
        ("two keys", Shape { keys: 2, ..base }),
        ("rich", rich),
        ("rich, many keys", Shape { keys: 10_000, ..rich }),
        ("unknown", Shape { unknown_per_mille: 20, ..base }),
        ("rich, unknown, watched", Shape { unknown_per_mille: 20, watchers: 5, ..rich }),
        ("watched", Shape { watchers: 5, quiet: true, ..base }),
        ("leases", Shape { operations: 400, leases: 20, ..rich }),
        ("leases, unknown", Shape { operations: 400, leases: 20, unknown_per_mille: 20, ..rich }),
        ("small", Shape { operations: 30, unknown_per_mille: 50, watchers: 1, ..rich }),
    ] {
        held_against(name, shape);
        page_held_against(name, shape);
    }
    choices();
    registers();
    smaller();
    states();
    let watched = Shape {
        seed: 11,
        processes: 20,
        operations: 20_000,
        keys: 30,
        unknown_per_mille: 5,
        watchers: 2,
        ..Shape::default()
    };
    following(watched);
    following(Shape { operations: 6_000, leases: 100, ..watched });
    reading();
}

/// The choices of a search over unknown writes are counted as they are made.
fn choices() {
    let shape = Shape {
        seed: 3,
        processes: 50,
        operations: 3_000,
        keys: 40,
        unknown_per_mille: 300,
        watchers: 0,
        simple: true,
        ..Shape::default()
    };
    let history = legal(shape);
    let needed = needed_bytes(&history);
    let (copy, records) = peak(|| history.clone());
    drop(copy);
    let mut short = 0;
    for spare in [0, 32 << 10, 256 << 10, 2 << 20] {
        let memory_bytes = needed + spare;
        let options = Options { memory_bytes, steps: 200_000, ..Options::default() };
        let (report, taken) = peak(|| check(&history, &options));
        assert!((taken + records) as u64 <= memory_bytes, "{taken} of {memory_bytes}");
        if let Verdict::Unknown(doubt) = &report.verdict {
            short += u64::from(doubt.reason.contains("--memory gives more"));
        }
    }
    assert!(short > 0, "some of these is too little");
}

/// A search over registers whose values repeat keeps to what it may take, and a larger one goes on
/// without remembering all of what it tried.
fn registers() {
    let mut dice = Dice::new(9);
    let mut calls = Vec::new();
    for number in 0..400u64 {
        let at = number * 10;
        let op = match dice.below(3) {
            0 => RegisterOp::Write(dice.below(40)),
            1 => RegisterOp::Cas(dice.below(40), dice.below(40)),
            _ => RegisterOp::Read(Some(dice.below(40))),
        };
        calls.push(Call { op, call: at, returned: Some(at + 200 + dice.below(100)) });
    }
    for memory_bytes in [100 << 10, 400 << 10, 4 << 20] {
        let limits = Limits { steps: 30_000, memory_bytes };
        let (found, taken) = peak(|| search(&Register::default(), &calls, &limits));
        assert!(taken <= memory_bytes, "{taken} of {memory_bytes}");
        let short = matches!(found.outcome, Outcome::Unknown(_)) && found.memory.is_some();
        assert_eq!(short, memory_bytes <= 100 << 10, "{:?}", found.memory);
    }
}

/// What contradicts is made small within the limit, or not at all: then that is said.
fn smaller() {
    let mut calls = Vec::new();
    for number in 0..2_000u64 {
        let at = number * 10;
        let op = match number % 4 {
            0 => RegisterOp::Write(number % 12),
            _ => RegisterOp::Read(Some(number / 4 * 4 % 12)),
        };
        calls.push(Call { op, call: at, returned: Some(at + 5) });
    }
    calls[1_500].op = RegisterOp::Read(Some(99));
    let models = [Register::default()];
    let found = search(&models[0], &calls, &Limits::default());
    let Outcome::Illegal(stuck) = found.outcome else { panic!("{:?}", found.outcome) };
    let mut small = 0;
    for memory_bytes in [64 << 10, 200 << 10, 1 << 20, 8 << 20] {
        let limits = Limits { steps: 1_000_000, memory_bytes };
        let (core, taken) = peak(|| shrink(&models, &calls, &stuck, &limits, RegisterOp::clone));
        // The places of all operations are held besides, a few times over.
        let places = 8 * calls.len() * size_of::<usize>();
        assert!(taken <= memory_bytes + places, "{taken} of {memory_bytes}");
        assert!(core.smallest || core.ops.len() > 1, "{core:?}");
        small += usize::from(core.smallest && core.ops.len() == 1);
    }
    assert!(small > 0 && small < 4, "{small}: the least is too little, the most is enough");
}

/// Where every state is a store of its own, the states are counted.
fn states() {
    let shape =
        Shape { seed: 5, operations: 300, unknown_per_mille: 0, watchers: 0, ..Shape::default() };
    let mut history = legal(shape);
    without_headers(&mut history);
    let needed = needed_bytes(&history);
    let (copy, records) = peak(|| history.clone());
    drop(copy);
    for spare in [0, 1 << 20, 4 << 20, 256 << 20] {
        let memory_bytes = needed + spare;
        let options = Options { memory_bytes, steps: 20_000, ..Options::default() };
        let (_, taken) = peak(|| check(&history, &options));
        assert!((taken + records) as u64 <= memory_bytes, "{taken} of {memory_bytes}");
    }
}

/// Who follows a recording gives up before it holds more than it may.
fn following(shape: Shape) {
    let history = legal(shape);
    let mut records: Vec<&Record> = history.records.iter().collect();
    let end = |record: &&Record| (record.return_ns.unwrap_or(record.call_ns), record.id);
    records.sort_by_key(end);
    let mut before: Vec<u64> = vec![u64::MAX; records.len() + 1];
    for place in (0..records.len()).rev() {
        before[place] = before[place + 1].min(records[place].call_ns);
    }
    let origin = Origin { start_revision: Some(1), ..history.origin.clone() };
    let mut legal = 0;
    for memory_bytes in [128 << 10, 512 << 10, 1 << 20, 2 << 20, 64 << 20] {
        let options = FollowOptions { memory_bytes, window: 512, ..FollowOptions::default() };
        let (report, taken) = peak(|| {
            let mut follower = Follower::new(origin.clone(), options);
            for (place, record) in records.iter().enumerate() {
                follower.push((*record).clone()).expect("a right recording");
                follower.called_before(before[place + 1]).expect("a right recording");
            }
            follower.finish().expect("a right recording")
        });
        assert!(taken as u64 <= memory_bytes, "{taken} of {memory_bytes}");
        match &report.verdict {
            Verdict::Legal => legal += 1,
            Verdict::Unknown(doubt) if doubt.reason.contains("--memory gives more") => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((1..5).contains(&legal), "{legal}: the least is too little, the most is enough");
}

/// Readers stop in time, whatever the form.
fn reading() {
    let history = legal(Shape { operations: 5_000, ..Shape::default() });
    let text = history.write_to(Vec::new()).expect("memory");
    let binary = history.write_binary_to(Vec::new()).expect("memory");
    let (copy, whole) = peak(|| history.clone());
    drop(copy);
    for (bytes, buffers) in [(text, 64 << 10), (binary, 2 << 20)] {
        for memory_bytes in [200_000, 1_000_000, whole as u64 / 2, 4 * whole as u64] {
            let limits = history::Limits { memory_bytes, ..history::Limits::default() };
            let read = || history::read_stream("h".to_owned(), &bytes[..], limits);
            let (read, taken) = peak(read);
            assert!(taken as u64 <= memory_bytes + buffers, "{taken} of {memory_bytes}");
            assert_eq!(read.is_ok(), memory_bytes > whole as u64);
            if let Err(error) = read {
                assert!(error.remedy.contains("--memory"), "{error}");
            }
        }
    }
}
