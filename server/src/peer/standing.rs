//! The question of a member with an empty log: is anything there, and who am I to you?

use std::net::SocketAddr;
use std::time::Duration;

use mettle_api::peer::{StandingRequest, StandingResponse, peer_client::PeerClient};
use tonic::{Request, Status};

use super::head::{Speaker, introduction};
use super::outbound::channel;
use super::register::Beginning;
use super::seal::{crc_of_standing, damaged};
use crate::consensus::types::NodeId;
use crate::identity::{Identity, Life};
use crate::platform::Platform;

/// An answer is waited for so long.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How a peer stands, and what it knows of the member that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The peer's log has no entry.
    pub is_empty: bool,
    /// The life in which the peer knows this member; of incarnation 0 when it does not.
    pub life: Life,
}

/// Asks one peer.
///
/// # Errors
/// When it does not answer, or takes the question for another member's.
pub async fn ask(
    platform: &Platform,
    own: Identity,
    to: NodeId,
    addr: SocketAddr,
) -> Result<Standing, Status> {
    let speaker = Speaker { identity: own, beginning: Beginning::default() };
    let mut client = PeerClient::new(channel(platform, addr));
    let mut request = Request::new(StandingRequest { head: Some(introduction(speaker, to)) });
    request.set_timeout(ANSWER_WITHIN);
    let answer = client.standing(request).await?.into_inner();
    let StandingResponse { empty, known_incarnation, known_boot, crc } = answer;
    if crc != crc_of_standing(&answer) {
        return Err(damaged("answer"));
    }
    let life = Life { incarnation: known_incarnation, boot: known_boot };
    Ok(Standing { is_empty: empty, life })
}
