//! The receiving side: checks who speaks, decodes, and gives what came to an inbox.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mettle_api::peer::{
    Frame, SnapshotEnd, StandingRequest, StandingResponse, StreamEnd, peer_server::Peer,
};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, Streaming};

use super::head::{DISOWNED, Speaker, accept};
use super::received::{Closed, Inbox, Received};
use super::register::Register;
use super::seal::{crc_of_standing, open};
use crate::command::Command;
use crate::consensus::types::{Message, MessageBody, Payload};
use crate::identity::Identity;
use crate::platform::{Clock, timeout};
use crate::probe;

/// Bytes of a snapshot taken into memory before it is refused.
const SNAPSHOT_BYTES_MAX: usize = 8 << 30;

/// A stream on which nothing whole came for so long is ended: its bytes may be out of step.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// The service on the peer URL.
#[derive(Clone)]
pub struct PeerService<I> {
    identity: Identity,
    register: Arc<Register>,
    clock: Arc<dyn Clock>,
    inbox: I,
}

impl<I: Inbox> PeerService<I> {
    /// Gives what arrives to `inbox`, from peers that `register` has nothing against.
    pub fn new(
        identity: Identity,
        register: Arc<Register>,
        clock: Arc<dyn Clock>,
        inbox: I,
    ) -> PeerService<I> {
        PeerService { identity, register, clock, inbox }
    }

    /// Reads the head of a stream and refuses whoever does not mean this member, or is not who it was.
    async fn welcome(&self, frames: &mut Streaming<Frame>) -> Result<u64, Status> {
        let Some(Frame { head: Some(head), .. }) = frames.message().await? else {
            return Err(Status::invalid_argument("the first frame of a stream has a head"));
        };
        let Speaker { identity: Identity { member_id, .. }, beginning } =
            accept(head, self.identity)?;
        let met = self.register.meet(member_id, beginning);
        met.map_err(|stranger| Status::new(DISOWNED, stranger.to_string()))?;
        Ok(member_id)
    }

    fn decode(&self, payload: &Bytes, from: u64) -> Result<Message, Status> {
        let message: Message = open(payload)?;
        if message.from != from || message.to != self.identity.member_id {
            return Err(Status::invalid_argument("a message of another pair of members"));
        }
        check_commands(&message.body)?;
        self.register.heard(&message);
        Ok(message)
    }

    async fn give(&self, received: Received) -> Result<(), Status> {
        let given = self.inbox.give(received).await;
        given.map_err(|Closed| Status::unavailable("the member is stopping"))
    }
}

/// Refuses a message with a command whose bytes are not those that its proposer sent.
fn check_commands(body: &MessageBody) -> Result<(), Status> {
    let damaged = |what: String, error| {
        probe!("command damaged between members");
        Status::data_loss(format!("{what} is damaged: {error}"))
    };
    match body {
        MessageBody::Propose { command } => {
            Command::check(command).map_err(|error| damaged("a proposal".to_owned(), error))
        }
        MessageBody::Append { entries, .. } => entries.iter().try_for_each(|entry| {
            let Payload::Command(command) = &entry.payload else { return Ok(()) };
            let check = Command::check(command);
            check.map_err(|error| damaged(format!("entry {}", entry.index), error))
        }),
        _ => Ok(()),
    }
}

#[tonic::async_trait]
impl<I: Inbox> Peer for PeerService<I> {
    async fn stream(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<StreamEnd>, Status> {
        let mut frames = request.into_inner();
        let from = self.welcome(&mut frames).await?;
        loop {
            let Ok(frame) = timeout(&*self.clock, SILENCE_MAX, frames.message()).await else {
                probe!("peer stream silent");
                return Err(Status::deadline_exceeded("nothing was heard on the stream"));
            };
            match frame? {
                None => return Ok(Response::new(StreamEnd {})),
                // The sender says that it is there.
                Some(frame) if frame.payload.is_empty() => {}
                Some(frame) => {
                    let message = self.decode(&frame.payload, from)?;
                    self.give(Received::Message(message)).await?;
                }
            }
        }
    }

    async fn snapshot(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<SnapshotEnd>, Status> {
        let mut frames = request.into_inner();
        let from = self.welcome(&mut frames).await?;
        let Some(first) = frames.message().await? else {
            return Err(Status::invalid_argument("a snapshot without its message"));
        };
        let message = self.decode(&first.payload, from)?;
        if !matches!(message.body, MessageBody::Snapshot { .. }) {
            return Err(Status::invalid_argument("a snapshot begins with its message"));
        }
        let mut chunks = Vec::new();
        let mut bytes = 0;
        while let Some(frame) = frames.message().await? {
            bytes += frame.payload.len();
            if bytes > SNAPSHOT_BYTES_MAX {
                return Err(Status::resource_exhausted("the snapshot is too large"));
            }
            chunks.push(frame.payload);
        }
        let (reply, installed) = oneshot::channel();
        self.give(Received::Snapshot { message, chunks, reply }).await?;
        match installed.await {
            Ok(true) => Ok(Response::new(SnapshotEnd {})),
            Ok(false) => Err(Status::failed_precondition("the snapshot is not needed any more")),
            Err(_) => Err(Status::unavailable("the member is stopping")),
        }
    }

    async fn standing(
        &self,
        request: Request<StandingRequest>,
    ) -> Result<Response<StandingResponse>, Status> {
        let Some(head) = request.into_inner().head else {
            return Err(Status::invalid_argument("a question about standing has a head"));
        };
        let asks = accept(head, self.identity)?.identity.member_id;
        let life = self.register.life_of(asks);
        let answer = StandingResponse {
            empty: self.register.is_empty(),
            known_incarnation: life.incarnation,
            known_boot: life.boot,
            crc: 0,
        };
        Ok(Response::new(StandingResponse { crc: crc_of_standing(&answer), ..answer }))
    }
}
