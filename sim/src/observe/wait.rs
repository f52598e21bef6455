//! Waits until something happens: a leader, a probe, a revision, a fault.

use mettle_scenarios::fault::Trigger;
use mettle_server::probe::Fact;
use tokio::sync::oneshot;

/// Something that happens once and that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// What a scenario can name.
    Trigger(Trigger),
    /// The fault of this id begins.
    Began(u32),
    /// The fault of this id is over.
    Ended(u32),
}

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Waits(Vec<(Happening, oneshot::Sender<()>)>);

impl Waits {
    /// Told when it happens the next time.
    pub(super) fn add(&mut self, happening: Happening) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        self.0.push((happening, tell));
        told
    }

    /// Takes out those who wait for this; the caller tells them without holding anything.
    pub(super) fn due(&mut self, happens: impl Fn(&Happening) -> bool) -> Vec<oneshot::Sender<()>> {
        let (due, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|(waited, _)| happens(waited));
        self.0 = left;
        due.into_iter().map(|(_, tell)| tell).collect()
    }
}

/// Whether a fact is what somebody waits for.
pub(super) fn is_fact(waited: &Happening, fact: &Fact) -> bool {
    match (waited, fact) {
        (Happening::Trigger(Trigger::LeaderElected), Fact::BecameLeader { .. }) => true,
        (Happening::Trigger(Trigger::Revision(least)), Fact::Applied { revision, .. }) => {
            u64::try_from(*revision).is_ok_and(|revision| revision >= *least)
        }
        _ => false,
    }
}

/// Tells all of them; whoever stopped waiting is not told.
pub(super) fn tell(due: Vec<oneshot::Sender<()>>) {
    for tell in due {
        let _ = tell.send(());
    }
}
