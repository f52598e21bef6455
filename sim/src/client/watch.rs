//! One watch stream with one watcher: every response becomes a line of the history.

use std::time::Duration;

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::watch_client::WatchClient;
use mettle_checker::history::{
    ErrorAnswer, Request, StreamRef, WatchCancelRequest, WatchCreateRequest, WatchResponse,
};
use mettle_server::platform::timeout;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{Client, error_answer, from_wire, to_wire};
use crate::member::Member;
use crate::recorder::WatchStream;

/// How to listen.
#[derive(Clone, Debug)]
pub struct Listen {
    /// At which member.
    pub member: Member,
    /// What to ask for; `stream` is filled in.
    pub request: WatchCreateRequest,
    /// When to stop (true time, ns).
    pub until_ns: u64,
    /// When to ask for progress (true time, ns, ascending).
    pub progress_ns: Vec<u64>,
    /// Cancel at the end; otherwise drop the stream.
    pub cancel: bool,
    /// How long the stream may take to open (ns).
    pub deadline_ns: u64,
}

/// What a watcher was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The server made the watcher.
    pub created: bool,
    /// Everything up to this revision (within its range) has been delivered; 0 for nothing yet.
    pub revision: i64,
    /// Events delivered.
    pub events: u64,
    /// How it ended.
    pub over: WatchOver,
}

/// Why a watch ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchOver {
    /// The listener had enough.
    #[default]
    Left,
    /// The stream broke.
    Broken,
    /// The server cancelled it; with the oldest revision that can be watched, when that was why.
    Canceled(i64),
}

impl Heard {
    /// Adds one response.
    pub(super) fn take_in(&mut self, answer: &WatchResponse) {
        self.created |= answer.created;
        if answer.canceled {
            self.over = WatchOver::Canceled(answer.compact_revision);
            return;
        }
        self.events += answer.events.len() as u64;
        // A revision is never split: `fragment` is not asked for.
        let revision = match answer.events.last() {
            Some(last) => last.kv.mod_revision,
            None if answer.created => 0,
            None => answer.header.revision,
        };
        self.revision = self.revision.max(revision);
    }
}

impl Client {
    /// Watches until `until_ns`, or until the stream breaks or the watcher is cancelled. `heard` is
    /// told after each response.
    pub async fn listen(&mut self, listen: Listen, mut heard: impl FnMut(&Heard)) -> Heard {
        let Listen { member, mut request, until_ns, progress_ns, cancel, deadline_ns } = listen;
        let mut line = Line {
            client: self,
            member,
            stream: self.recorder.stream(),
            watch_id: None,
            heard: Heard { over: WatchOver::Broken, ..Heard::default() },
        };
        request.stream = line.stream;
        let (asks, asked) = mpsc::channel(16);
        asks.try_send(to_wire::watch_create(&request)).expect("the channel is new");
        line.sent(Request::WatchCreate(request));
        let mut answers = match line.open(asked, Duration::from_nanos(deadline_ns)).await {
            Ok(answers) => answers,
            Err(error) => return line.over(error),
        };
        let mut progress = progress_ns.into_iter().peekable();
        loop {
            let next_ns = progress.peek().map_or(until_ns, |at| until_ns.min(*at));
            let step = line.step(&mut answers, next_ns).await;
            match step {
                Step::Answer => heard(&line.heard),
                Step::Canceled => {
                    heard(&line.heard);
                    return line.over(None);
                }
                Step::Over(error) => return line.over(error),
                Step::Time if line.now_ns() >= until_ns => break,
                Step::Time => {
                    progress.next();
                    if asks.try_send(to_wire::watch_progress()).is_ok() {
                        line.sent(Request::WatchProgress(StreamRef { stream: line.stream }));
                    }
                }
            }
        }
        if cancel && let Some(watch_id) = line.watch_id {
            let stream = line.stream;
            line.sent(Request::WatchCancel(WatchCancelRequest { stream, watch_id }));
            drop(asks.try_send(to_wire::watch_cancel(watch_id)));
            let until_ns = line.now_ns() + CANCEL_WAIT_NS;
            while let Step::Answer = line.step(&mut answers, until_ns).await {
                heard(&line.heard);
            }
        }
        line.heard.over = WatchOver::Left;
        line.over(None)
    }
}

/// How long the answer to a cancel may take before the stream is dropped all the same (ns).
const CANCEL_WAIT_NS: u64 = 200_000_000;

/// One open stream.
struct Line<'a> {
    client: &'a Client,
    member: Member,
    stream: u64,
    watch_id: Option<i64>,
    heard: Heard,
}

/// What came next.
enum Step {
    /// A response.
    Answer,
    /// A response, and the watcher is over.
    Canceled,
    /// The end of the stream, with an error or without.
    Over(Option<ErrorAnswer>),
    /// The time waited for.
    Time,
}

impl Line<'_> {
    fn now_ns(&self) -> u64 {
        self.client.now_ns()
    }

    fn on(&self) -> WatchStream {
        let Line { client, member, stream, .. } = self;
        WatchStream { process: client.process, member: *member, stream: *stream }
    }

    fn sent(&self, request: Request) {
        self.client.recorder.sent(self.on(), self.now_ns(), request);
    }

    fn over(self, error: Option<ErrorAnswer>) -> Heard {
        self.client.recorder.stream_over(self.on(), self.now_ns(), error);
        self.heard
    }

    async fn open(
        &self,
        asked: mpsc::Receiver<pb::WatchRequest>,
        limit: Duration,
    ) -> Result<Streaming<pb::WatchResponse>, Option<ErrorAnswer>> {
        let channel = self.client.channel(self.member);
        let mut client = WatchClient::new(channel).max_decoding_message_size(usize::MAX);
        let opening = client.watch(ReceiverStream::new(asked));
        match timeout(&*self.client.place.clock, limit, opening).await {
            Ok(Ok(answers)) => Ok(answers.into_inner()),
            Ok(Err(status)) => Err(Some(error_answer(&status))),
            Err(_) => Err(None),
        }
    }

    /// Waits for the next response, at most until `until_ns`.
    async fn step(&mut self, answers: &mut Streaming<pb::WatchResponse>, until_ns: u64) -> Step {
        let wait = Duration::from_nanos(until_ns.saturating_sub(self.now_ns()));
        let answer = tokio::select! {
            biased;
            answer = answers.message() => answer,
            () = self.client.place.clock.sleep(wait) => return Step::Time,
        };
        let answer = match answer {
            Ok(Some(answer)) => from_wire::watch(answer),
            Ok(None) => return Step::Over(None),
            Err(status) => return Step::Over(Some(error_answer(&status))),
        };
        if answer.created {
            self.watch_id = Some(answer.watch_id);
        }
        self.heard.take_in(&answer);
        self.client.recorder.arrived(self.on(), self.now_ns(), answer);
        match self.heard.over {
            WatchOver::Canceled(_) => Step::Canceled,
            WatchOver::Left | WatchOver::Broken => Step::Answer,
        }
    }
}
