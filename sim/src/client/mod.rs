//! The recording client: calls the real gRPC API, records every answer, and never tries twice.
//!
//! Only this room writes history. The client records an operation before sending the request, and
//! completes the record when the call returns. Times are of the true clock, not of the client's.
//!
//! An outcome is `fail` in two cases: the request was certainly not put on the wire, or the error is
//! in the checker's closed table. An unknown outcome ends the process (as in Jepsen), and the client
//! goes on as a new process.

mod ask;
mod from_wire;
#[cfg(test)]
mod tests;
mod to_wire;
mod watch;
mod watching;

pub use watch::{Act, Listen, TimedAct};
pub use watching::{Heard, WatchOver};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mettle_api::etcdserverpb::kv_client::KvClient;
use mettle_checker::history::{ErrorAnswer, Outcome, Request, Response};
use mettle_server::platform::{Clock, Net, timeout};
use mettle_server::transport::{Channel, Dial, Settings, never_sent};
use tonic::Status;

use crate::host::{CLIENT_PORT, ClientNumber, Host};
use crate::member::Member;
use crate::recorder::{CallResult, Count, Recorder};
use crate::trace::{Kind, Trace};
use crate::traffic::Patience;

/// What a client needs of the world.
#[derive(Clone)]
pub struct Place {
    /// Its sockets.
    pub net: Arc<dyn Net>,
    /// Its own clock: deadlines and pauses.
    pub clock: Arc<dyn Clock>,
    /// True time in ns, for the history.
    pub now_ns: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Where its calls leave a line.
    pub trace: Trace,
}

/// One sequential process on a client's host, with the host's channel to each member.
pub struct Client {
    place: Place,
    number: ClientNumber,
    recorder: Recorder,
    process: u64,
    channels: Vec<Channel>,
}

impl Client {
    /// Client `number` (its host is `Host::Client(number)`) of a cluster of `members`.
    pub fn new(place: Place, number: ClientNumber, members: u32, recorder: Recorder) -> Client {
        let settings = Settings::peer();
        let channels = Member::all(members)
            .map(|member| {
                let to = SocketAddr::new(Host::Member(member).ip(), CLIENT_PORT);
                Channel::new(place.net.clone(), place.clock.clone(), to, settings.clone())
            })
            .collect();
        let process = recorder.process();
        Client { place, number, recorder, process, channels }
    }

    /// Another process on the same host: it shares the connections, and calls for itself.
    #[must_use]
    pub fn beside(&self) -> Client {
        let Client { place, number, recorder, process: _, channels } = self;
        let (place, recorder) = (place.clone(), recorder.clone());
        let process = recorder.process();
        Client { place, number: *number, recorder, process, channels: channels.clone() }
    }

    /// True time (ns).
    pub fn now_ns(&self) -> u64 {
        (self.place.now_ns)()
    }

    /// Waits by the client's clock.
    pub async fn pause(&self, duration_ns: u64) {
        self.place.clock.sleep(Duration::from_nanos(duration_ns)).await;
    }

    /// The history it writes to.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The history's number of a connection: no other client or member has it.
    fn connection(&self, member: Member, dial: Dial) -> u64 {
        u64::from(self.number.get()) << 40 | u64::from(member) << 32 | dial.0
    }

    fn channel(&self, member: Member) -> Channel {
        self.channels[member.index()].clone()
    }

    /// Calls one operation at a member, once; gives back how it ended.
    pub async fn call(&mut self, member: Member, request: Request, deadline_ns: u64) -> Called {
        self.call_for(member, request, Patience::of(deadline_ns)).await
    }

    /// Calls one operation at a member, once, and may drop the call in flight. What became of a
    /// dropped call is unknown.
    pub async fn call_for(
        &mut self,
        member: Member,
        request: Request,
        patience: Patience,
    ) -> Called {
        let op = request.op().name();
        let id = self.recorder.called(self.process, member, self.now_ns(), request.clone());
        self.recorder.waits(id, patience.deadline_ns, patience.abandoned_ns.is_some());
        self.note(format_args!("{} calls {id} {op} at {member}", self.number));
        let sending = self.send(member, &request, Duration::from_nanos(patience.deadline_ns));
        let answer = match patience.abandoned_ns {
            None => sending.await,
            Some(after_ns) => {
                let wait = Duration::from_nanos(after_ns);
                timeout(&*self.place.clock, wait, sending).await.unwrap_or_else(|_| {
                    self.recorder.count(Count::Abandoned);
                    Err(Status::cancelled("the client dropped the call"))
                })
            }
        };
        let ending = match answer {
            Ok((response, dial)) => {
                self.recorder.connected(id, self.connection(member, dial));
                CallResult::Answered(response)
            }
            Err(status) if never_sent(&status) => CallResult::NeverSent(error_answer(&status)),
            Err(status) => CallResult::Refused(error_answer(&status)),
        };
        let outcome = self.recorder.ended(id, self.now_ns(), &ending);
        let said = match &ending {
            CallResult::Answered(_) => "",
            CallResult::NeverSent(error) | CallResult::Refused(error) => &error.code,
        };
        self.note(format_args!("{} has {id} {outcome:?} {said}", self.number));
        if outcome == Outcome::Unknown {
            self.process = self.recorder.process();
        }
        Called { outcome, ending }
    }

    fn note(&self, words: std::fmt::Arguments<'_>) {
        self.place.trace.record(self.now_ns(), None, Kind::Client, words);
    }

    async fn send(
        &self,
        member: Member,
        request: &Request,
        deadline: Duration,
    ) -> Result<(Response, Dial), Status> {
        let values = self.recorder.values();
        let mut kv = KvClient::new(self.channel(member)).max_decoding_message_size(usize::MAX);
        Ok(match request {
            Request::Range(range) => {
                let (answer, dial) =
                    opened(kv.range(timed(to_wire::range(range), deadline)).await?);
                (Response::Range(from_wire::range(answer, values)), dial)
            }
            Request::Put(put) => {
                let (answer, dial) = opened(kv.put(timed(to_wire::put(put), deadline)).await?);
                (Response::Put(from_wire::put(answer, values)), dial)
            }
            Request::DeleteRange(delete) => {
                let asked = timed(to_wire::delete_range(delete), deadline);
                let (answer, dial) = opened(kv.delete_range(asked).await?);
                (Response::DeleteRange(from_wire::delete_range(answer, values)), dial)
            }
            Request::Txn(txn) => {
                let (answer, dial) = opened(kv.txn(timed(to_wire::txn(txn), deadline)).await?);
                let answer = from_wire::txn(answer, values)
                    .ok_or_else(|| Status::internal("an answer inside the transaction is empty"))?;
                (Response::Txn(answer), dial)
            }
            Request::Compact(compact) => {
                let asked = timed(to_wire::compact(compact), deadline);
                let (answer, dial) = opened(kv.compact(asked).await?);
                (Response::Compact(from_wire::compact(answer)), dial)
            }
            Request::WatchCreate(_)
            | Request::WatchCancel(_)
            | Request::WatchProgress(_)
            | Request::WatchResponse(_)
            | Request::WatchEnd(_)
            | Request::Quiesced(_) => unreachable!("watches have a stream of their own"),
            Request::LeaseGrant(_)
            | Request::LeaseRevoke(_)
            | Request::LeaseKeepAlive(_)
            | Request::LeaseTimeToLive(_)
            | Request::LeaseLeases(_) => unreachable!("leases are not served yet"),
        })
    }
}

/// How a call ended.
#[derive(Debug)]
pub struct Called {
    /// As the history has it.
    pub outcome: Outcome,
    /// With what.
    pub ending: CallResult,
}

impl Called {
    /// The answer, if there was one.
    pub fn response(&self) -> Option<&Response> {
        match &self.ending {
            CallResult::Answered(response) => Some(response),
            CallResult::NeverSent(_) | CallResult::Refused(_) => None,
        }
    }

    /// The error in words, if there was one.
    pub fn error(&self) -> Option<String> {
        match &self.ending {
            CallResult::Answered(_) => None,
            CallResult::NeverSent(error) | CallResult::Refused(error) => {
                Some(format!("{}: {}", error.code, error.message))
            }
        }
    }
}

/// An answer, and the connection it came on.
fn opened<T>(answer: tonic::Response<T>) -> (T, Dial) {
    let dial = answer.extensions().get().copied();
    (answer.into_inner(), dial.expect("every answer of a channel names its connection"))
}

fn timed<T>(message: T, deadline: Duration) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(deadline);
    request
}

fn error_answer(status: &Status) -> ErrorAnswer {
    ErrorAnswer { code: format!("{:?}", status.code()), message: status.message().to_owned() }
}
