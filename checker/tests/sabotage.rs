//! A legal history is altered in one way, and the checker whose guarantee that breaks must say so.
//! Names J1-J20 are those of the list of things that really went wrong in systems of this kind.

mod world;

use mettle_checker::history::*;
use mettle_checker::model::Store;
use mettle_checker::{Options, Verdict, check};
use world::{Shape, error, legal_with_store};

struct Case {
    records: Vec<Record>,
    store: Store,
}

/// Alters histories of many seeds, as long as there is something to alter, and wants the checker
/// to object to each.
fn sabotage(checker: &str, alter: impl Fn(&mut Case) -> Option<()>) {
    let mut altered = 0;
    for seed in 0..400 {
        let shape = Shape {
            seed,
            operations: 120,
            keys: 4,
            unknown_per_mille: if seed % 2 == 0 { 0 } else { 40 },
            watchers: 3,
            ..Shape::default()
        };
        let (history, store) = legal_with_store(shape);
        let mut case = Case { records: history.records, store };
        if alter(&mut case).is_none() {
            continue;
        }
        altered += 1;
        let history = History { origin: Origin::default(), records: case.records };
        let report = check(&history, &Options::default());
        match &report.verdict {
            Verdict::Broken(violation) if violation.checker == checker => {
                assert!(!violation.reason.is_empty() && !violation.evidence.is_empty());
            }
            other => {
                let path = std::env::temp_dir().join(format!("mettle-sabotage-{seed}.ndjson"));
                std::fs::write(&path, history.write_to(Vec::new()).expect("memory"))
                    .expect("the temporary folder");
                panic!("seed {seed}: {checker} must object, not {other:?}; {}", path.display());
            }
        }
        if altered == 40 {
            return;
        }
    }
    assert!(altered >= 5, "only {altered} histories had something to alter");
}

impl Case {
    /// The first answer to a range that fits.
    fn range(
        &mut self,
        fits: impl Fn(&RangeRequest, &RangeResponse) -> bool,
    ) -> Option<(&RangeRequest, &mut RangeResponse)> {
        self.records.iter_mut().find_map(|record| match (&record.request, &mut record.response) {
            (Request::Range(request), Some(Response::Range(answer)))
                if !request.serializable && fits(request, answer) =>
            {
                Some((request, answer))
            }
            _ => None,
        })
    }

    fn put(
        &mut self,
        fits: impl Fn(&PutRequest, &PutResponse) -> bool,
    ) -> Option<&mut PutResponse> {
        self.records.iter_mut().find_map(|record| match (&record.request, &mut record.response) {
            (Request::Put(request), Some(Response::Put(answer))) if fits(request, answer) => {
                Some(answer)
            }
            _ => None,
        })
    }

    fn txn(
        &mut self,
        fits: impl Fn(&TxnRequest, &TxnResponse) -> bool,
    ) -> Option<&mut TxnResponse> {
        self.records.iter_mut().find_map(|record| match (&record.request, &mut record.response) {
            (Request::Txn(request), Some(Response::Txn(answer))) if fits(request, answer) => {
                Some(answer)
            }
            _ => None,
        })
    }

    /// Places of the responses with events of the watcher of everything.
    fn told(&self) -> Vec<usize> {
        let places = self.records.iter().enumerate().filter(|(_, record)| {
            let own = matches!(record.request, Request::WatchResponse(StreamRef { stream: 1 }));
            own && events_of(record).is_some_and(|events| !events.is_empty())
        });
        places.map(|(place, _)| place).collect()
    }

    fn response(&mut self, place: usize) -> &mut WatchResponse {
        match &mut self.records[place].response {
            Some(Response::Watch(response)) => response,
            _ => panic!("a watch response"),
        }
    }

    /// The answer to the create request of the watcher of everything.
    fn created(&mut self) -> &mut WatchResponse {
        let mut all = self.records.iter_mut();
        all.find_map(|record| match (&record.request, &mut record.response) {
            (Request::WatchResponse(StreamRef { stream: 1 }), Some(Response::Watch(response)))
                if response.created =>
            {
                Some(response)
            }
            _ => None,
        })
        .expect("the watcher of everything was created")
    }

    fn create(&mut self) -> &mut WatchCreateRequest {
        let mut all = self.records.iter_mut().map(|record| &mut record.request);
        all.find_map(|request| match request {
            Request::WatchCreate(request) if request.stream == 1 => Some(request),
            _ => None,
        })
        .expect("the watcher of everything")
    }

    /// Puts a watch record of stream 1 before another.
    fn tell(&mut self, before: usize, response: WatchResponse) {
        let at = &self.records[before];
        let id = 900_000 + self.records.len() as u64;
        let told = Record::watch_response(id, at.process, 1, at.call_ns, (1, response));
        self.records.insert(before, told);
    }
}

fn events_of(record: &Record) -> Option<&Vec<Event>> {
    match &record.response {
        Some(Response::Watch(response)) => Some(&response.events),
        _ => None,
    }
}

fn bump(header: &mut Option<Header>, by: i64) {
    if let Some(header) = header {
        header.revision += by;
    }
}

#[test]
fn j1_stale_read() {
    sabotage("linearizability", |case| {
        let mut newest = 0;
        let mut returned: Vec<(u64, i64)> = Vec::new();
        let store = case.store.clone();
        for record in &mut case.records {
            let (Request::Range(request), Some(Response::Range(answer))) =
                (&record.request, &mut record.response)
            else {
                if let Some(Response::Put(put)) = &record.response {
                    returned.push((record.return_ns?, put.header?.revision));
                }
                continue;
            };
            for (at, revision) in &returned {
                if *at < record.call_ns {
                    newest = newest.max(*revision);
                }
            }
            if newest > 3 && !request.serializable && request.revision == 0 {
                let stale = store.at(newest - 1).range(request);
                let header = Some(Header { revision: newest - 1, ..Header::default() });
                *answer = RangeResponse { header, ..stale };
                return Some(());
            }
        }
        None
    });
}

#[test]
fn j2_lost_update() {
    sabotage("linearizability", |case| {
        let store = case.store.clone();
        let (request, answer) = case.range(|request, answer| {
            request.range_end.is_empty()
                && request.revision == 0
                && !request.keys_only
                && answer.kvs.first().is_some_and(|kv| kv.version > 1)
        })?;
        let (request, header) = (request.clone(), answer.header);
        let lost = answer.kvs[0].mod_revision;
        *answer = RangeResponse { header, ..store.at(lost - 1).range(&request) };
        Some(())
    });
}

#[test]
fn j3_phantom_key() {
    sabotage("linearizability", |case| {
        let (_, answer) = case.range(|request, answer| {
            !request.range_end.is_empty() && request.limit == 0 && !answer.kvs.is_empty()
        })?;
        let mut ghost = answer.kvs.last()?.clone();
        ghost.key = Blob::from(format!("{}ghost", ghost.key));
        answer.kvs.push(ghost);
        answer.count += 1;
        Some(())
    });
}

#[test]
fn j4_create_revision_and_j5_version() {
    for field in 0..4 {
        sabotage("linearizability", |case| {
            let (_, answer) = case.range(|request, answer| {
                !answer.kvs.is_empty() && request.sort_target == SortTarget::Key
            })?;
            match field {
                0 => answer.kvs[0].create_revision += 1,
                1 => answer.kvs[0].version += 1,
                2 => answer.kvs[0].lease = 7,
                _ => answer.kvs[0].mod_revision -= 1,
            }
            Some(())
        });
    }
}

#[test]
fn j6_prev_kv() {
    sabotage("linearizability", |case| {
        case.put(|_, answer| answer.prev_kv.is_some())?.prev_kv.as_mut()?.value = "other".into();
        Some(())
    });
    sabotage("linearizability", |case| {
        case.put(|_, answer| answer.prev_kv.is_some())?.prev_kv = None;
        Some(())
    });
    sabotage("linearizability", |case| {
        case.put(|request, _| !request.prev_kv)?.prev_kv = Some(KeyValue::default());
        Some(())
    });
}

#[test]
fn j7_two_writes_share_a_revision() {
    sabotage("linearizability", |case| {
        bump(&mut case.put(|_, answer| answer.header.is_some_and(|h| h.revision > 5))?.header, -1);
        Some(())
    });
}

#[test]
fn j8_revisions_against_real_time() {
    sabotage("linearizability", |case| {
        let mut puts = case.records.iter().enumerate().filter(|(_, record)| {
            matches!((&record.request, record.outcome), (Request::Put(put), Outcome::Ok)
                if !put.prev_kv)
        });
        let (first, early) = puts.next()?;
        let (second, _) = puts.find(|(_, late)| {
            Some(late.call_ns) > early.return_ns && late.request != early.request
        })?;
        let answer = case.records[first].response.take();
        case.records[first].response = case.records[second].response.take();
        case.records[second].response = answer;
        Some(())
    });
}

#[test]
fn j9_event_dropped() {
    sabotage("watch.reliable", |case| {
        let place = *case.told().get(2)?;
        case.create().start_revision = 0;
        let response = case.response(place);
        response.events.remove(0);
        if response.events.is_empty() {
            case.records.remove(place);
        }
        // A notice in between would be what is wrong first.
        case.records.retain(|record| {
            events_of(record).is_none_or(|events| !events.is_empty())
                || matches!(&record.response, Some(Response::Watch(watch)) if watch.created)
        });
        Some(())
    });
}

#[test]
fn j10_event_duplicated() {
    sabotage("watch.unique", |case| {
        let told = case.told();
        let event = case.response(*told.first()?).events[0].clone();
        case.response(*told.get(1)?).events.insert(0, event);
        Some(())
    });
}

#[test]
fn j11_events_reordered() {
    sabotage("watch.ordered", |case| {
        let place = case.told().into_iter().find(|place| {
            events_of(&case.records[*place]).is_some_and(|events| {
                events.len() > 1 && events[0].kv.mod_revision != events[1].kv.mod_revision
            })
        })?;
        case.response(place).events.swap(0, 1);
        Some(())
    });
}

#[test]
fn j12_transaction_split() {
    sabotage("watch.atomic", |case| {
        let mut places = case.told().into_iter();
        let (place, at) = places.find_map(|place| {
            let events = events_of(&case.records[place])?;
            let pair = events.windows(2);
            let at = pair
                .into_iter()
                .position(|pair| pair[0].kv.mod_revision == pair[1].kv.mod_revision)?;
            Some((place, at))
        })?;
        let response = case.response(place);
        let mut first = response.clone();
        response.events.drain(..=at);
        first.events.truncate(at + 1);
        case.tell(place, first);
        Some(())
    });
}

#[test]
fn j13_progress_ahead_of_events() {
    sabotage("watch.bookmarkable", |case| {
        let place = *case.told().get(1)?;
        let revision = case.response(place).events[0].kv.mod_revision;
        let header = Header { revision, ..Header::default() };
        case.tell(place, WatchResponse { header, watch_id: -1, ..WatchResponse::default() });
        Some(())
    });
}

#[test]
fn j14_event_outside_the_range() {
    sabotage("watch.range", |case| {
        case.told().first()?;
        let create = case.create();
        create.key = Blob::from("k0");
        create.range_end = Blob::default();
        Some(())
    });
    sabotage("watch.range", |case| {
        case.told().first()?;
        case.create().filters = vec![WatchFilter::NoPut];
        Some(())
    });
}

#[test]
fn j15_compacted_watch_not_cancelled() {
    sabotage("watch.compacted", |case| {
        let answered = watched_after_a_compaction(case)?;
        case.created().header.revision = answered + 1;
        Some(())
    });
}

/// A member that restarted may stand before a compaction that it answered: whoever asks it then
/// for an older revision, and gets all of it, has lost nothing.
#[test]
fn a_member_behind_the_compaction_serves_the_whole_history() {
    let mut tried = 0;
    for seed in 0..100 {
        let shape = Shape { seed, operations: 120, keys: 4, watchers: 3, ..Shape::default() };
        let (history, store) = legal_with_store(shape);
        let mut case = Case { records: history.records, store };
        let Some(answered) = watched_after_a_compaction(&mut case) else { continue };
        case.created().header.revision = answered;
        tried += 1;
        let history = History { origin: Origin::default(), records: case.records };
        assert_eq!(check(&history, &Options::default()).verdict, Verdict::Legal, "seed {seed}");
    }
    assert!(tried > 20, "only {tried} histories had a compaction and a watcher from the start");
}

/// Moves the watcher of everything behind a compaction, and says at which revision that one was
/// answered.
fn watched_after_a_compaction(case: &mut Case) -> Option<i64> {
    case.told().first()?;
    let compact = case.records.iter().find(|record| {
        matches!((&record.request, record.outcome), (Request::Compact(compact), Outcome::Ok)
            if compact.revision > 1)
    })?;
    let after = compact.return_ns? + 1;
    let answered = compact.response.as_ref()?.header()?.revision;
    for record in &mut case.records {
        if record.process == 1_000_000 {
            record.call_ns += after;
            record.return_ns = record.return_ns.map(|at| at + after);
        }
    }
    Some(answered)
}

#[test]
fn a_cancelled_watch_names_its_compaction() {
    sabotage("watch.compacted", |case| {
        let place = *case.told().last()?;
        let revision = case.response(place).header.revision;
        let cancel = WatchResponse {
            header: Header { revision, ..Header::default() },
            canceled: true,
            compact_revision: revision + 7,
            ..WatchResponse::default()
        };
        case.response(place).clone_from(&cancel);
        Some(())
    });
}

#[test]
fn j20_count_under_a_limit() {
    sabotage("linearizability", |case| {
        let (_, answer) = case.range(|_, answer| answer.more)?;
        answer.count = answer.kvs.len() as i64;
        Some(())
    });
    sabotage("linearizability", |case| {
        case.range(|_, answer| answer.more)?.1.more = false;
        Some(())
    });
}

#[test]
fn transactions() {
    sabotage("linearizability", |case| {
        let answer = case.txn(|request, answer| {
            !request.compare.is_empty()
                && answer.responses.is_empty()
                && request.failure.is_empty()
                && request.success.iter().any(|op| matches!(op, RequestOp::Put(_)))
        })?;
        answer.succeeded = !answer.succeeded;
        Some(())
    });
    sabotage("linearizability", |case| {
        let answer = case.txn(|_, answer| !answer.responses.is_empty())?;
        answer.responses.pop();
        Some(())
    });
}

#[test]
fn past_and_forgotten() {
    let compacted = "etcdserver: mvcc: required revision has been compacted";
    sabotage("linearizability", |case| {
        case.records.retain(|record| {
            !matches!(record.request, Request::Compact(_)) && record.outcome != Outcome::Fail
        });
        let record = case.records.iter_mut().find(|record| {
            matches!((&record.request, record.outcome), (Request::Range(range), Outcome::Ok)
                if range.revision > 0)
        })?;
        *record = record.clone().failed(record.return_ns?, error(compacted));
        Some(())
    });
    sabotage("linearizability", |case| {
        let store = case.store.clone();
        let (at, past) = case.records.iter().find_map(|record| match &record.request {
            Request::Compact(compact) if record.outcome == Outcome::Ok && compact.revision > 1 => {
                Some((record.return_ns?, compact.revision - 1))
            }
            _ => None,
        })?;
        let record = case.records.iter_mut().find(|record| {
            let plain = matches!(&record.request, Request::Range(range)
                if !range.serializable && range.revision == 0);
            plain && record.call_ns > at
        })?;
        let (Request::Range(request), Some(Response::Range(answer))) =
            (&mut record.request, &mut record.response)
        else {
            return None;
        };
        request.revision = past;
        *answer = RangeResponse { header: answer.header, ..store.at(past).range(request) };
        Some(())
    });
    sabotage("linearizability", |case| {
        let store = case.store.clone();
        let (request, answer) = case.range(|request, answer| {
            request.revision > 1 && answer.header.is_some_and(|h| h.revision > request.revision)
        })?;
        let now = store
            .at(answer.header?.revision)
            .range(&RangeRequest { revision: 0, ..request.clone() });
        if now.kvs == answer.kvs && now.count == answer.count {
            return None;
        }
        (answer.kvs, answer.count, answer.more) = (now.kvs, now.count, now.more);
        Some(())
    });
}

#[test]
fn members_own_answers() {
    sabotage("serializable", |case| {
        let answers = case.records.iter_mut().filter_map(|record| {
            match (&record.request, &mut record.response) {
                (Request::Range(request), Some(Response::Range(answer)))
                    if request.serializable && !answer.kvs.is_empty() =>
                {
                    Some(answer)
                }
                _ => None,
            }
        });
        answers.into_iter().next()?.kvs[0].value = "other".into();
        Some(())
    });
    sabotage("header", |case| {
        let member = |member_id| Header { cluster_id: 3, member_id, ..Header::default() };
        case.put(|_, answer| answer.header.is_some_and(|h| h.member_id == 0))?
            .header
            .as_mut()
            .map(|header| *header = Header { revision: header.revision, ..member(1) })?;
        case.put(|_, answer| answer.header.is_some_and(|h| h.member_id == 0))?
            .header
            .as_mut()
            .map(|header| *header = Header { revision: header.revision, ..member(2) })
    });
}

#[test]
fn what_an_event_says() {
    sabotage("watch.event", |case| {
        let place = *case.told().get(1)?;
        case.response(place).events[0].kv.lease += 1;
        Some(())
    });
    sabotage("watch.prev_kv", |case| {
        let compacted =
            case.records.iter().any(|record| matches!(record.request, Request::Compact(_)));
        let place = case.told().into_iter().find(|place| {
            events_of(&case.records[*place]).is_some_and(|events| events[0].prev_kv.is_some())
        })?;
        let event = &mut case.response(place).events[0];
        if compacted {
            event.prev_kv.as_mut()?.version += 1;
        } else {
            event.prev_kv = None;
        }
        Some(())
    });
    sabotage("watch.prev_kv", |case| {
        let place = case.told().into_iter().find(|place| {
            events_of(&case.records[*place]).is_some_and(|events| events[0].prev_kv.is_none())
        })?;
        case.response(place).events[0].prev_kv = Some(KeyValue::default());
        Some(())
    });
    sabotage("watch.header", |case| {
        let place = *case.told().get(1)?;
        case.response(place).header.revision -= 40;
        Some(())
    });
}

#[test]
fn where_a_watch_starts() {
    sabotage("watch.resumable", |case| {
        let place = *case.told().first()?;
        let response = case.response(place);
        let first = response.events[0].kv.mod_revision;
        if response.events.len() < 2 || response.events[1].kv.mod_revision == first {
            return None;
        }
        case.response(place).events.remove(0);
        case.records.retain(|record| {
            events_of(record).is_none_or(|events| !events.is_empty())
                || matches!(&record.response, Some(Response::Watch(watch)) if watch.created)
        });
        Some(())
    });
    sabotage("watch.resumable", |case| {
        case.told().first()?;
        case.create().start_revision = 5;
        Some(())
    });
    sabotage("watch.created", |case| {
        let place = *case.told().first()?;
        case.response(place).watch_id = 9;
        Some(())
    });
}
