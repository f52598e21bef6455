//! Storage that hangs: a member that cannot write does not lead.
//!
//! Heartbeats and their answers never touch the disk, so a leader whose disk hangs would lead for ever:
//! its followers commit, and the clients at the leader wait. Such a leader steps down after an
//! election timeout, and does not campaign before its storage works again.

use super::core::{Core, RoleState};
use super::types::AppendToken;
use crate::probe;

/// How long the oldest batch has been with storage.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stall {
    oldest: Option<AppendToken>,
    ticks: u32,
}

impl Core {
    /// A tick passed; a leader whose oldest batch is older than an election timeout steps down.
    pub(super) fn watch_storage(&mut self) {
        let oldest = self.outbox.in_flight.front().map(|(token, _)| *token);
        let is_same = oldest.is_some() && oldest == self.stall.oldest;
        let ticks = if is_same { self.stall.ticks + 1 } else { 0 };
        self.stall = Stall { oldest, ticks };
        if self.storage_hangs() && matches!(self.role_state, RoleState::Leader(_)) {
            probe!("consensus leader whose storage hangs stepped down");
            self.become_follower(self.term, 0);
        }
    }

    /// Whether storage has worked on one batch for an election timeout. A member alone leads all the
    /// same: nobody else can.
    pub fn storage_hangs(&self) -> bool {
        let is_alone = self.membership.voters == [self.config.id];
        self.stall.ticks >= self.config.election_timeout_ticks && !is_alone
    }
}
