//! The first start of a member: may it begin with an empty disk, or has the disk been lost?
//!
//! A member without a log asks its peers before it promises anything. A peer that knows the member says
//! so, and then the disk was lost: the member refuses to start. A new cluster begins when a quorum has
//! empty logs, this member included: then nothing was ever acknowledged. A member that was
//! declared and comes later begins when so many peers have answered that at least one of them took
//! part in anything that a quorum with this member in it could have acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;

use super::Fatal;
use crate::consensus::types::NodeId;
use crate::identity::Identity;
use crate::peer::{self, Standing};
use crate::platform::Platform;
use crate::probe;

/// Pause between two rounds of questions.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// So many rounds pass before the member says again for whom it waits.
const ROUNDS_BETWEEN_WORDS: u32 = 50;

/// What the answers come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Begin,
    Wait,
    /// This peer knows the member.
    Known(NodeId),
}

/// Judges the answers to a member of a cluster of `members`.
fn judge(members: usize, answers: &BTreeMap<NodeId, Standing>) -> Verdict {
    if let Some((&peer, _)) = answers.iter().find(|(_, said)| said.life.incarnation != 0) {
        return Verdict::Known(peer);
    }
    let quorum = members / 2 + 1;
    let empty = 1 + answers.values().filter(|said| said.is_empty).count();
    if empty >= quorum || answers.len() > members - quorum {
        return Verdict::Begin;
    }
    Verdict::Wait
}

/// Returns when the member may begin.
///
/// # Errors
/// [`Fatal::DiskLost`] when a peer knows it.
pub async fn ask(
    platform: &Platform,
    own: Identity,
    peers: &BTreeMap<NodeId, SocketAddr>,
) -> Result<(), Fatal> {
    let mut answers = BTreeMap::new();
    for round in 0u32.. {
        match judge(peers.len() + 1, &answers) {
            Verdict::Begin => break,
            Verdict::Known(peer) => {
                probe!("member without its disk refused to start");
                let life = answers[&peer].life;
                return Err(Fatal::DiskLost { peer, life });
            }
            Verdict::Wait if round % ROUNDS_BETWEEN_WORDS == 1 => {
                tracing::info!(
                    answers = answers.len(),
                    "the log is empty: waiting for more members before the first start"
                );
            }
            Verdict::Wait => {}
        }
        if round > 0 {
            platform.clock.sleep(ASK_AGAIN_AFTER).await;
        }
        let asked = peers
            .iter()
            .map(async |(&to, &addr)| (to, peer::ask_standing(platform, own, to, addr).await));
        for (peer, answer) in join_all(asked).await {
            match answer {
                Ok(standing) => drop(answers.insert(peer, standing)),
                Err(status) => tracing::debug!(%status, "peer {peer:x} does not say how it stands"),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Life;

    const EMPTY: Standing = Standing { is_empty: true, life: Life { incarnation: 0, boot: 0 } };
    const OLD: Standing = Standing { is_empty: false, ..EMPTY };

    fn judged(members: usize, answers: &[Standing]) -> Verdict {
        judge(members, &(2..).zip(answers.iter().copied()).collect())
    }

    #[test]
    fn a_cluster_begins_with_a_quorum_of_empty_logs() {
        assert_eq!(judged(1, &[]), Verdict::Begin);
        assert_eq!(judged(3, &[]), Verdict::Wait);
        assert_eq!(judged(3, &[EMPTY]), Verdict::Begin);
        assert_eq!(judged(5, &[EMPTY]), Verdict::Wait);
        assert_eq!(judged(5, &[EMPTY, OLD]), Verdict::Wait);
        assert_eq!(judged(5, &[EMPTY, EMPTY]), Verdict::Begin);
    }

    #[test]
    fn a_late_member_begins_when_somebody_would_have_known_it() {
        assert_eq!(judged(2, &[OLD]), Verdict::Begin);
        assert_eq!(judged(3, &[OLD]), Verdict::Wait);
        assert_eq!(judged(3, &[OLD, OLD]), Verdict::Begin);
        assert_eq!(judged(5, &[OLD, OLD]), Verdict::Wait);
        assert_eq!(judged(5, &[OLD, OLD, OLD]), Verdict::Begin);
    }

    #[test]
    fn a_member_that_is_known_has_lost_its_disk() {
        let knows = Standing { life: Life { incarnation: 7, boot: 1 }, ..OLD };
        assert_eq!(judged(3, &[EMPTY, knows]), Verdict::Known(3));
    }
}
