//! Who follows a recording says in the end what is said of the whole, however it comes in portions.

use crate::soak::{count, tally};
use crate::world::damage::damage;
use crate::world::{Dice, Shape, legal, legal_from_start};
use mettle_checker::follow::{FollowOptions, Follower, Progress};
use mettle_checker::history::{
    Blob, DeleteRangeRequest, ErrorAnswer, Event, EventType, Header, History, LeaseGrantRequest,
    LeaseGrantResponse, LeaseRequest, LeaseRevokeResponse, LeaseStatus, Limits, OnStream, Origin,
    Outcome, PutRequest, PutResponse, Record, Request, Response, WatchCreateRequest, WatchResponse,
    read_stream,
};
use mettle_checker::model::Store;
use mettle_checker::{Contradiction, Options, Report, Verdict, assumptions, check};

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
        // What is of a stream is written when it happens.
        let late = if record.request.op().is_operation() { dice.below(300) } else { 0 };
        let end = record.return_ns.unwrap_or(record.call_ns + late);
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
    same_verdict(&history, shape, dice).0
}

/// What followed, and the verdict of the whole, where neither is refused.
fn same_verdict(
    history: &History,
    shape: Shape,
    mut dice: Dice,
) -> (Progress, Option<&'static str>) {
    if assumptions(history).is_err() && dice.chance(90) {
        return (Progress::default(), None); // refused by both, or found broken before
    }
    let whole = check(history, &Options::default());
    let lines = lines(history, &mut dice);
    let options = FollowOptions { window: 1 + dice.below(40) as usize, ..FollowOptions::default() };
    let (report, progress) = match follow(history, &lines, options) {
        Ok(said) => said,
        Err(contradiction) => {
            let own = assumptions(history);
            assert!(own.is_err(), "{shape:?}: {contradiction}");
            return (Progress::default(), None);
        }
    };
    if assumptions(history).is_err() {
        assert_eq!(report.verdict.name(), "broken");
        return (progress, None);
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
    (progress, Some(whole.verdict.name()))
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
        twice: 0,
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
fn inferred_initial_store() {
    for seed in 0..300 {
        agree(Shape { before: 60, ..shape(seed) }, 0, false);
        agree(Shape { before: 60, ..shape(seed) }, 1 + seed % 3, false);
    }
}

/// Changes something that is said of a lease.
fn damage_lease(history: &mut History, dice: &mut Dice) {
    let of_leases = |record: &&mut Record| {
        use Request::*;
        matches!(
            record.request,
            LeaseGrant(_)
                | LeaseRevoke(_)
                | LeaseKeepAlive(_)
                | LeaseTimeToLive(_)
                | LeaseLeases(_)
        )
    };
    let mut all: Vec<&mut Record> = history.records.iter_mut().filter(of_leases).collect();
    if all.is_empty() {
        return;
    }
    let place = dice.below(all.len() as u64) as usize;
    let record = &mut *all[place];
    let off = if dice.chance(50) { 1 } else { -1 };
    let slow = dice.chance(30);
    match &mut record.response {
        _ if slow => record.call_ns = record.call_ns.saturating_sub(dice.below(2_000_000_000)),
        Some(Response::LeaseGrant(answer)) if dice.chance(30) => answer.ttl += off,
        Some(
            Response::LeaseGrant(LeaseGrantResponse { header: Some(header), .. })
            | Response::LeaseRevoke(LeaseRevokeResponse { header: Some(header) }),
        ) => header.revision += off,
        Some(Response::LeaseKeepAlive(answer)) => {
            answer.ttl = [0, answer.ttl + off, 3][dice.below(3) as usize];
        }
        Some(Response::LeaseTimeToLive(answer)) => match dice.below(3) {
            0 => answer.ttl += 2 * off,
            1 => answer.granted_ttl += off,
            _ => answer.keys.push("/k0".into()),
        },
        Some(Response::LeaseLeases(answer)) => {
            let id = 1 + dice.below(6) as i64;
            answer.leases.push(LeaseStatus { id });
        }
        _ => {
            record.response = None;
            record.outcome = Outcome::Unknown;
            record.return_ns = None;
            record.process += 5_000 + record.id;
        }
    }
}

/// Gives several leases the same number.
fn renumber(history: &History, by: i64) -> History {
    let mut text = String::from_utf8(history.write_to(Vec::new()).expect("memory")).expect("text");
    for name in ["ID", "lease"] {
        for id in 1..10 {
            for end in [',', '}'] {
                let from = format!("\"{name}\":{id}{end}");
                text = text.replace(&from, &format!("\"{name}\":-{}{end}", 1 + (id - 1) % by));
            }
        }
        text = text.replace(&format!("\"{name}\":-"), &format!("\"{name}\":"));
    }
    let read = read_stream("renumbered".to_owned(), text.as_bytes(), Limits::default());
    read.expect("a history").0
}

/// Follows a recording with leases, legal or damaged; with numbers that are granted again at times.
pub(crate) fn leases(seed: u64) -> &'static str {
    let mut dice = Dice::new(seed ^ 0x1e_a5e5);
    let before = if dice.chance(20) { 40 } else { 0 };
    let shape = Shape {
        before,
        operations: 20 + dice.below(250),
        leases: 1 + dice.below(9),
        renewals: dice.chance(80),
        ..shape(seed)
    };
    let mut history = if before > 0 { legal_from_start(shape) } else { legal(shape) };
    history.origin.start_revision.get_or_insert(1);
    if dice.chance(20) {
        history = renumber(&history, 1 + dice.below(4) as i64);
    }
    for _ in 0..dice.below(4) {
        if dice.chance(60) {
            damage_lease(&mut history, &mut dice);
        } else if history.records.len() > 2 {
            damage(&mut history, &mut dice);
        }
    }
    same_verdict(&history, shape, dice).1.unwrap_or("refused")
}

#[test]
fn recordings_with_leases() {
    // Found by many of them.
    let found = [1462, 2364, 5764, 7250, 8108, 11_538, 11_968, 13_478, 14_172, 15_809, 16_314];
    let later = [19_660, 20_343, 20_587, 23_100, 33_198];
    let tally = tally((0..300).chain(found).chain(later), leases);
    assert!(count(&tally, "legal") > 100 && count(&tally, "broken") > 60, "{tally:?}");
}

/// One after another, everything is done, and told to a watcher of all keys.
struct Told {
    history: History,
    store: Store,
    now: u64,
}

impl Told {
    const SECOND: u64 = 1_000_000_000;

    fn new() -> Self {
        let origin = Origin { start_revision: Some(1), ..Origin::default() };
        let (history, store) = (History { origin, records: Vec::new() }, Store::default());
        let mut told = Told { history, store, now: Told::SECOND };
        let all = Blob::from("\0");
        let range_end = all.clone();
        let watch = WatchCreateRequest { stream: 1, key: all, range_end, ..Default::default() };
        told.history.records.push(Record::sent(1, 99, 1, 1, Request::WatchCreate(watch)));
        told.heard(WatchResponse { created: true, ..WatchResponse::default() });
        told
    }

    fn id(&self) -> u64 {
        self.history.records.len() as u64 + 1
    }

    fn heard(&mut self, response: WatchResponse) {
        let header = Header { revision: self.store.revision(), ..Header::default() };
        let response = WatchResponse { header, ..response };
        let record = Record::watch_response(
            OnStream { id: self.id(), process: 99, member: 1, at_ns: self.now, stream: 1 },
            response,
        );
        self.history.records.push(record);
    }

    /// Nobody is known to have done it.
    fn done(&mut self, request: &Request) {
        self.now += Told::SECOND / 10;
        let before = self.store.revision();
        let _ = self.store.execute(request);
        let changes = self.store.changes(before + 1);
        let events: Vec<Event> = changes
            .map(|change| Event {
                kind: if change.now.is_deletion() { EventType::Delete } else { EventType::Put },
                kv: change.kv(),
                prev_kv: None,
                is_create: None,
            })
            .collect();
        if !events.is_empty() {
            self.heard(WatchResponse { events, ..WatchResponse::default() });
        }
    }

    fn called(&self, request: Request) -> Record {
        Record::called(self.id(), self.id(), 1, self.now, request)
    }

    fn lost(mut self, request: Request) -> Self {
        self.now += 1;
        let lost = ErrorAnswer { code: "DeadlineExceeded".to_owned(), message: String::new() };
        let record = self.called(request).unknown(lost);
        self.history.records.push(record);
        self
    }

    fn grant(mut self, id: i64, ttl: i64) -> Self {
        let record = self.called(Request::LeaseGrant(LeaseGrantRequest { id, ttl }));
        let header = Some(Header { revision: self.store.revision(), ..Header::default() });
        let answer = Response::LeaseGrant(LeaseGrantResponse { header, id, ttl });
        self.now += 1;
        self.history.records.push(record.ok(self.now, answer));
        self
    }

    fn put(mut self, key: &str, lease: i64) -> Self {
        let put = PutRequest { key: key.into(), value: "v".into(), lease, ..Default::default() };
        let (record, place) = (self.called(Request::Put(put.clone())), self.history.records.len());
        self.done(&Request::Put(put));
        let header = Some(Header { revision: self.store.revision(), ..Header::default() });
        let answer = Response::Put(PutResponse { header, prev_kv: None });
        let id = self.id();
        self.history.records.insert(place, Record { id, ..record }.ok(self.now, answer));
        self
    }

    fn gone(mut self, key: &str) -> Self {
        self.done(&delete(key, ""));
        self
    }

    /// The revocation is answered.
    fn revoke(mut self, id: i64) -> Self {
        let request = Request::LeaseRevoke(LeaseRequest { id });
        let (record, place) = (self.called(request.clone()), self.history.records.len());
        self.done(&request);
        let header = Some(Header { revision: self.store.revision(), ..Header::default() });
        let answer = Response::LeaseRevoke(LeaseRevokeResponse { header });
        let id = self.id();
        self.history.records.insert(place, Record { id, ..record }.ok(self.now, answer));
        self
    }

    fn puts(mut self, count: usize) -> Self {
        for _ in 0..count {
            self = self.put("/b", 0);
        }
        self
    }

    /// The verdict, and how much was kept at most.
    fn judged(&self) -> (&'static str, usize) {
        let whole = check(&self.history, &Options::default());
        let options = FollowOptions { window: 8, ..FollowOptions::default() };
        let mut follower = Follower::new(self.history.origin.clone(), options);
        let mut most = 0;
        for record in &self.history.records {
            follower.push(record.clone()).expect("a right recording");
            let progress = follower.called_before(record.call_ns).expect("a right recording");
            most = most.max(progress.kept);
        }
        let report = follower.finish().expect("a right recording");
        assert_eq!(whole.verdict.name(), report.verdict.name(), "{:?}", report.verdict);
        (report.verdict.name(), most)
    }
}

fn delete(key: &str, range_end: &str) -> Request {
    let (key, range_end) = (key.into(), range_end.into());
    Request::DeleteRange(DeleteRangeRequest { key, range_end, prev_kv: false })
}

/// Two may have made a revision, and did the same: what follows does not wait to hear which, and one
/// of them may still do it again.
#[test]
fn revision_made_by_one_of_two_deletions() {
    let begun = || {
        let begun = Told::new().put("/a", 0).lost(delete("/a", "")).lost(delete("/a", "/a~"));
        begun.gone("/a").puts(100)
    };
    let (verdict, kept) = begun().judged();
    assert!(verdict == "legal" && kept < 60, "{verdict} {kept}");
    let again = || begun().put("/a", 0).gone("/a").puts(100);
    let (verdict, kept) = again().judged();
    assert!(verdict == "legal" && kept < 60, "{verdict} {kept}");
    assert_eq!(again().put("/a", 0).gone("/a").puts(30).judged().0, "broken");
}

#[test]
fn revision_made_by_a_deletion_or_a_lease_expiry() {
    let begun = || {
        let begun = Told::new().grant(1, 2).put("/a", 1).lost(delete("/a", "")).puts(40);
        begun.gone("/a").puts(100)
    };
    let (verdict, kept) = begun().judged();
    assert!(verdict == "legal" && kept < 60, "{verdict} {kept}");
    // It was the lease, and the deletion came later.
    let later = || begun().put("/a", 0).gone("/a").puts(100);
    let (verdict, kept) = later().judged();
    assert!(verdict == "legal" && kept < 60, "{verdict} {kept}");
    assert_eq!(later().put("/a", 0).gone("/a").judged().0, "broken");
    assert_eq!(later().put("/c", 1).judged().0, "broken");
    // It was the deletion: the lease was there afterwards.
    let alive = || begun().put("/c", 1).puts(100);
    assert_eq!(alive().judged().0, "legal");
    assert_eq!(alive().gone("/c").puts(30).judged().0, "legal");
    assert_eq!(alive().gone("/c").put("/d", 1).puts(30).judged().0, "broken");
    assert_eq!(alive().put("/a", 0).gone("/a").judged().0, "broken");
}

/// A lease that is revoked with an answer was there until then: an earlier revocation that was lost
/// had not ended it.
#[test]
fn lease_revoked_twice() {
    let lost = Request::LeaseRevoke(LeaseRequest { id: 1 });
    let begun = |more: usize| {
        let begun = Told::new().grant(1, 60).put("/a", 1).lost(delete("/a", ""));
        begun.lost(lost.clone()).gone("/a").puts(more)
    };
    for more in [1, 40] {
        assert_eq!(begun(more).put("/a", 0).gone("/a").puts(more).judged().0, "legal");
        let revoked = || begun(more).revoke(1).puts(more);
        assert_eq!(revoked().judged().0, "legal");
        assert_eq!(revoked().put("/a", 0).gone("/a").puts(more).judged().0, "broken");
        let own = Told::new().grant(1, 60).put("/a", 1).lost(lost.clone()).revoke(1).puts(more);
        assert_eq!(own.judged().0, "legal", "either made the revision that it saw");
    }
}

/// What is certain when a recording is interrupted stays broken; what may be explained by what was
/// still to be written does not.
#[test]
fn interrupted_recording() {
    let interrupted = |told: &Told, until: u64| {
        let mut follower = Follower::new(told.history.origin.clone(), FollowOptions::default());
        for record in &told.history.records {
            follower.push(record.clone()).expect("a right recording");
        }
        follower.called_before(until).expect("a right recording");
        follower.interrupt().expect("a right recording").verdict
    };
    let told = || Told::new().put("/a", 0).gone("/a").puts(3);
    assert_eq!(told().judged().0, "broken", "nobody deleted /a");
    let Verdict::Unknown(doubt) = interrupted(&told(), Told::SECOND) else { panic!("in flight") };
    assert!(doubt.reason.contains("the recording was interrupted"), "{}", doubt.reason);
    let told = told().puts(30);
    assert_eq!(interrupted(&told, told.now).name(), "broken");
    let legal = Told::new().puts(30);
    assert_eq!(interrupted(&legal, legal.now).name(), "legal");
}

/// A store of few keys where writes are lost that do the same as others: which of them was done is in
/// doubt, and some are done twice.
pub(crate) fn lost_writes(seed: u64) -> &'static str {
    let mut dice = Dice::new(seed ^ 0xd0b7);
    let leases = if dice.chance(60) { 2 + dice.below(30) } else { 0 };
    let shape = Shape {
        before: 0,
        operations: 60 + dice.below(240),
        keys: 1 + dice.below(2),
        unknown_per_mille: 100 + dice.below(250),
        watchers: 1 + dice.below(2),
        leases,
        renewals: dice.chance(50),
        twice: [0, 0, 5, 20][dice.below(4) as usize],
        ..shape(seed)
    };
    let mut history = legal(shape);
    history.origin.start_revision.get_or_insert(1);
    same_verdict(&history, shape, dice).1.unwrap_or("refused")
}

#[test]
fn recordings_with_ambiguous_writes() {
    let tally = tally((0..60).chain([9_713]), lost_writes);
    assert!(count(&tally, "legal") > 30 && count(&tally, "broken") > 5, "{tally:?}");
}

/// Where everything has to wait for the end, there is an end to what is kept.
#[test]
fn record_limit_ends_in_unknown() {
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

/// Follows a recording that is damaged in up to three places.
pub(crate) fn damaged(seed: u64) -> &'static str {
    agree(Shape { before: 0, ..shape(seed) }, seed % 4, false);
    "agreed"
}

/// Most of a recording is judged, and let go, before it ends.
#[test]
fn settled_records_are_dropped() {
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
