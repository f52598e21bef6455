//! One watch stream with its watchers: every response becomes a line of the history.

use std::time::Duration;

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::watch_client::WatchClient;
use mettle_checker::history::{
    ErrorAnswer, Request, StreamRef, WatchCancelRequest, WatchCreateRequest,
};
use mettle_server::platform::timeout;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::watching::{Heard, WatchOver, Watching};
use super::{Client, error_answer, from_wire, to_wire};
use crate::member::Member;
use crate::recorder::{Count, WatchStream};

/// How to listen.
#[derive(Clone, Debug)]
pub struct Listen {
    /// At which member.
    pub member: Member,
    /// The watchers to ask for at once; their `stream` is filled in.
    pub requests: Vec<WatchCreateRequest>,
    /// What to do meanwhile, in the order of time.
    pub acts: Vec<TimedAct>,
    /// When to stop (true time, ns).
    pub until_ns: u64,
    /// Cancel what is left at the end; otherwise drop the stream.
    pub cancel: bool,
    /// How long the stream may take to open (ns).
    pub deadline_ns: u64,
}

/// Something to do at a time.
#[derive(Clone, Debug)]
pub struct TimedAct {
    /// When (true time, ns).
    pub at_ns: u64,
    /// What.
    pub act: Act,
}

/// Something that a client does on an open stream.
#[derive(Clone, Debug)]
pub enum Act {
    /// Asks for progress.
    Progress,
    /// Asks for another watcher.
    Watch(WatchCreateRequest),
    /// Cancels the watcher that was asked for in this place, from 0.
    Cancel(usize),
    /// Takes nothing from the stream for so long (ns).
    StopReading(u64),
}

impl Client {
    /// Watches until `until_ns`, or until the stream breaks or every watcher is over. `heard` is
    /// told after each response. Answers what each watcher was given, in the order of the requests.
    pub async fn listen(&mut self, listen: Listen, mut heard: impl FnMut(&[Heard])) -> Vec<Heard> {
        let Listen { member, requests, acts, until_ns, cancel, deadline_ns } = listen;
        let (asks, asked) = mpsc::channel(ASKS);
        let watching = Watching::default();
        let mut line =
            Line { client: self, member, stream: self.recorder.stream(), asks, watching };
        for request in requests {
            line.watch(request);
        }
        let mut answers = match line.open(asked, Duration::from_nanos(deadline_ns)).await {
            Ok(answers) => answers,
            Err(error) => return line.over(error),
        };
        let mut acts = acts.into_iter().peekable();
        loop {
            let next_ns = acts.peek().map_or(until_ns, |timed| until_ns.min(timed.at_ns));
            match line.step(&mut answers, next_ns).await {
                Step::Answer => heard(&line.watching.heard),
                Step::LastOver => {
                    heard(&line.watching.heard);
                    return line.over(None);
                }
                Step::Over(error) => return line.over(error),
                Step::Time if line.now_ns() >= until_ns => break,
                Step::Time => {
                    if let Some(TimedAct { act, .. }) = acts.next() {
                        line.act(act, until_ns).await;
                    }
                }
            }
        }
        if cancel && line.cancel_all() {
            let until_ns = line.now_ns() + CANCEL_WAIT_NS;
            while let Step::Answer = line.step(&mut answers, until_ns).await {
                heard(&line.watching.heard);
            }
        }
        line.watching.leave();
        line.over(None)
    }
}

/// The end of a stream that the client did not ask for, and that brought no status.
fn ended(code: &str, message: &str) -> ErrorAnswer {
    ErrorAnswer { code: code.to_owned(), message: message.to_owned() }
}

/// Requests that may wait to be sent.
const ASKS: usize = 64;

/// How long the answers to cancels may take before the stream is dropped all the same (ns).
const CANCEL_WAIT_NS: u64 = 200_000_000;

/// One open stream.
struct Line<'a> {
    client: &'a Client,
    member: Member,
    stream: u64,
    asks: mpsc::Sender<pb::WatchRequest>,
    watching: Watching,
}

/// What came next.
enum Step {
    /// A response.
    Answer,
    /// A response, and no watcher is left.
    LastOver,
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

    /// Sends a request, unless too many wait to be sent already.
    fn ask(&self, message: pb::WatchRequest, request: Request) -> bool {
        let sent = self.asks.try_send(message).is_ok();
        if sent {
            self.client.recorder.sent(self.on(), self.now_ns(), request);
        }
        sent
    }

    fn watch(&mut self, mut request: WatchCreateRequest) {
        request.stream = self.stream;
        if self.ask(to_wire::watch_create(&request), Request::WatchCreate(request)) {
            self.watching.asked();
            if self.watching.heard.len() > 1 {
                self.client.recorder.count(Count::WatchersBeside);
            }
        }
    }

    fn cancel(&mut self, place: usize) -> bool {
        let Some(watch_id) = self.watching.cancels(place) else { return false };
        let cancel = WatchCancelRequest { stream: self.stream, watch_id };
        self.ask(to_wire::watch_cancel(watch_id), Request::WatchCancel(cancel))
    }

    /// Cancels every watcher that is left; says whether there was one.
    fn cancel_all(&mut self) -> bool {
        let places = 0..self.watching.heard.len();
        places.filter(|place| self.cancel(*place)).count() > 0
    }

    async fn act(&mut self, act: Act, until_ns: u64) {
        match act {
            Act::Progress => {
                let progress = Request::WatchProgress(StreamRef { stream: self.stream });
                self.ask(to_wire::watch_progress(), progress);
            }
            Act::Watch(request) => self.watch(request),
            Act::Cancel(place) => {
                self.cancel(place);
            }
            Act::StopReading(for_ns) => {
                self.client.recorder.count(Count::StoppedReading);
                let left_ns = until_ns.saturating_sub(self.now_ns());
                self.client.pause(for_ns.min(left_ns)).await;
            }
        }
    }

    fn over(self, error: Option<ErrorAnswer>) -> Vec<Heard> {
        self.client.recorder.stream_over(self.on(), self.now_ns(), error);
        self.watching.heard
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
            Err(_) => Err(Some(ended("DeadlineExceeded", "the stream did not open in time"))),
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
            Ok(Some(answer)) => from_wire::watch(answer, self.client.recorder.values()),
            // Only the client may leave without an error.
            Ok(None) => return Step::Over(Some(ended("Ok", "the server ended the stream"))),
            Err(status) => return Step::Over(Some(error_answer(&status))),
        };
        let recorder = &self.client.recorder;
        if answer.fragment {
            recorder.count(Count::Fragments);
        }
        if answer.canceled && answer.compact_revision > 0 {
            recorder.count(Count::WatchesCompacted);
        }
        self.watching.take_in(&answer);
        recorder.arrived(self.on(), self.now_ns(), answer);
        let open = self.watching.heard.iter().any(|heard| heard.over == WatchOver::Broken);
        if open { Step::Answer } else { Step::LastOver }
    }
}
