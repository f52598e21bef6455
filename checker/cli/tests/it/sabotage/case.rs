//! A legal history to alter, and what is in it to be altered.

use mettle_checker::history::*;
use mettle_checker::model::Store;
use mettle_checker::{Options, Verdict, check};

use crate::world::{Shape, legal_with_store};

/// One way to alter a history, and the checker whose guarantee that breaks.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) checker: &'static str,
    /// None if this history has nothing to alter.
    pub(crate) alter: fn(&mut Case) -> Option<()>,
}

/// A legal history.
pub(crate) struct Case {
    pub(crate) records: Vec<Record>,
    pub(crate) store: Store,
}

/// What came of altering histories by a row.
#[derive(Default)]
pub(crate) struct Ran {
    pub(crate) altered: usize,
    /// How many of them no other checker objected to.
    pub(crate) alone: usize,
}

impl Row {
    /// Alters histories of many seeds, as long as there is something to alter, and wants the
    /// checker to object to each.
    pub(crate) fn run(&self, leases: u64) -> Result<Ran, String> {
        let mut ran = Ran::default();
        for seed in 0..400 {
            let mut case = Case::with_leases(seed, leases);
            if (self.alter)(&mut case).is_none() {
                continue;
            }
            ran.altered += 1;
            let history = History { origin: Origin::default(), records: case.records };
            let report = check(&history, &Options::default());
            let (checker, evidence) = match &report.verdict {
                Verdict::Broken(violation) => (violation.checker, !violation.evidence.is_empty()),
                Verdict::Unknown(doubt) if self.checker == "assumptions" => (doubt.checker, true),
                other => (other.name(), false),
            };
            if checker != self.checker || !evidence {
                let path = std::env::temp_dir().join(format!("mettle-sabotage-{seed}.ndjson"));
                std::fs::write(&path, history.write_to(Vec::new()).expect("memory"))
                    .expect("the temporary folder");
                return Err(format!(
                    "{}: seed {seed}: {} must object, not {:?}; {}",
                    self.name,
                    self.checker,
                    report.verdict,
                    path.display()
                ));
            }
            let others = report.checks.iter().filter(|check| check.name != self.checker);
            ran.alone +=
                usize::from(others.into_iter().all(|check| check.verdict == Verdict::Legal));
            if ran.altered == 30 {
                break;
            }
        }
        if ran.altered < 5 {
            return Err(format!(
                "{}: only {} histories had something to alter",
                self.name, ran.altered
            ));
        }
        Ok(ran)
    }
}

impl Case {
    pub(crate) fn new(seed: u64) -> Self {
        Case::with_leases(seed, 0)
    }

    /// A history with so many leases.
    pub(crate) fn with_leases(seed: u64, leases: u64) -> Self {
        let shape = Shape {
            seed,
            operations: 120,
            keys: 4,
            unknown_per_mille: if seed.is_multiple_of(2) { 0 } else { 40 },
            watchers: 3,
            quiet: true,
            leases,
            ..Shape::default()
        };
        let (history, store) = legal_with_store(shape);
        Case { records: history.records, store }
    }

    /// When the quiet time began.
    pub(crate) fn quiet_ns(&self) -> Option<u64> {
        let mut quiet = self.records.iter();
        let quiet = quiet.find(|record| matches!(record.request, Request::Quiesced(_)))?;
        Some(quiet.call_ns)
    }

    /// When the quiet time was over.
    pub(crate) fn quiet_end_ns(&self) -> Option<u64> {
        let mut quiet = self.records.iter();
        quiet.find(|record| matches!(record.request, Request::Quiesced(_)))?.return_ns
    }

    /// The first answer about the time left of a lease that fits.
    pub(crate) fn time_left(
        &mut self,
        fits: impl Fn(&LeaseTimeToLiveResponse) -> bool,
    ) -> Option<&mut LeaseTimeToLiveResponse> {
        self.records.iter_mut().find_map(|record| match &mut record.response {
            Some(Response::LeaseTimeToLive(answer)) if fits(answer) => Some(answer),
            _ => None,
        })
    }

    /// The first watch event of the watcher of everything that fits.
    pub(crate) fn event(&mut self, fits: impl Fn(&Event) -> bool) -> Option<&mut Event> {
        let told = self.told();
        let place = told.into_iter().find(|place| {
            events_of(&self.records[*place]).is_some_and(|events| events.iter().any(&fits))
        })?;
        self.response(place).events.iter_mut().find(|event| fits(event))
    }

    /// A response and the place in it of two events of one revision, of the watcher of everything.
    pub(crate) fn pair(&self) -> Option<(usize, usize)> {
        self.told().into_iter().find_map(|place| {
            let mut pairs = events_of(&self.records[place])?.windows(2);
            let at = pairs.position(|pair| pair[0].kv.mod_revision == pair[1].kv.mod_revision)?;
            Some((place, at))
        })
    }

    /// The first answer to a deletion that fits.
    pub(crate) fn deletion(
        &mut self,
        fits: impl Fn(&DeleteRangeResponse) -> bool,
    ) -> Option<&mut DeleteRangeResponse> {
        self.records.iter_mut().find_map(|record| match &mut record.response {
            Some(Response::DeleteRange(answer)) if fits(answer) => Some(answer),
            _ => None,
        })
    }

    /// Whether the outcome of something is unknown.
    pub(crate) fn unsure(&self) -> bool {
        self.records.iter().any(|record| record.outcome == Outcome::Unknown)
    }

    /// The first answer that a member gave from its own store.
    pub(crate) fn local(&mut self) -> Option<&mut RangeResponse> {
        self.records.iter_mut().find_map(|record| match (&record.request, &mut record.response) {
            (Request::Range(request), Some(Response::Range(answer))) if request.serializable => {
                Some(answer)
            }
            _ => None,
        })
    }

    /// An id that no record has.
    pub(crate) fn fresh_id(&self) -> u64 {
        1_000 + self.records.len() as u64
    }

    /// The first answer to a range that fits.
    pub(crate) fn range(
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

    /// The first key of the first range that shows any, in the order of keys.
    pub(crate) fn first_kv(&mut self) -> Option<&mut KeyValue> {
        let (_, answer) = self.range(|request, answer| {
            !answer.kvs.is_empty() && request.sort_target == SortTarget::Key
        })?;
        answer.kvs.first_mut()
    }

    pub(crate) fn put(
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

    pub(crate) fn txn(
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
    pub(crate) fn told(&self) -> Vec<usize> {
        let places = self.records.iter().enumerate().filter(|(_, record)| {
            let own = matches!(record.request, Request::WatchResponse(StreamRef { stream: 1 }));
            own && events_of(record).is_some_and(|events| !events.is_empty())
        });
        places.map(|(place, _)| place).collect()
    }

    pub(crate) fn response(&mut self, place: usize) -> &mut WatchResponse {
        match &mut self.records[place].response {
            Some(Response::Watch(response)) => response,
            _ => panic!("a watch response"),
        }
    }

    /// The answer to the create request of the watcher of everything.
    pub(crate) fn created(&mut self) -> &mut WatchResponse {
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

    pub(crate) fn create(&mut self) -> &mut WatchCreateRequest {
        let mut all = self.records.iter_mut().map(|record| &mut record.request);
        all.find_map(|request| match request {
            Request::WatchCreate(request) if request.stream == 1 => Some(request),
            _ => None,
        })
        .expect("the watcher of everything")
    }

    /// Puts a watch record of stream 1 before another.
    pub(crate) fn tell(&mut self, before: usize, response: WatchResponse) {
        let at = &self.records[before];
        let id = 2_000 + self.records.len() as u64;
        let told = Record::watch_response(
            OnStream { id, process: at.process, member: 1, at_ns: at.call_ns, stream: 1 },
            response,
        );
        self.records.insert(before, told);
    }
}

/// The events of a watch response.
pub(crate) fn events_of(record: &Record) -> Option<&Vec<Event>> {
    match &record.response {
        Some(Response::Watch(response)) => Some(&response.events),
        _ => None,
    }
}

/// Moves the revision of a header.
pub(crate) fn bump(header: &mut Option<Header>, by: i64) {
    if let Some(header) = header {
        header.revision += by;
    }
}

/// Moves the watcher of everything behind all compactions, and says at which revision the first
/// was answered.
pub(crate) fn watched_after_a_compaction(case: &mut Case) -> Option<i64> {
    case.told().first()?;
    let compactions = case.records.iter().filter(|record| {
        matches!((&record.request, record.outcome), (Request::Compact(compact), Outcome::Ok)
            if compact.revision > 1)
    });
    let answered = compactions.filter_map(|record| record.response.as_ref()?.header());
    let answered = answered.map(|header| header.revision).min()?;
    let quiet = case.quiet_ns()?;
    // Behind all writes, so that whatever it is told was there.
    let after = quiet;
    for record in &mut case.records {
        if record.process == 1_000_000 {
            record.call_ns += after;
            record.return_ns = record.return_ns.map(|at| at + after);
        }
        if matches!(record.request, Request::Quiesced(_)) {
            record.call_ns += 2 * after;
            record.return_ns = record.return_ns.map(|at| at + 2 * after);
        }
    }
    Some(answered)
}
