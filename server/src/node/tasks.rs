//! The member's tasks under supervision: one that ends by itself, or panics, ends the member.
//!
//! A member whose log writer is gone would go on to vote and to lead, and answer nobody.

use std::future::Future;

use tokio::sync::mpsc;

use super::Fatal;

/// Starts tasks and hears of their ends.
#[derive(Clone)]
pub(crate) struct Tasks {
    ended: mpsc::UnboundedSender<Fatal>,
}

impl Tasks {
    /// Also returns where the reason of the first end is said.
    pub(crate) fn new() -> (Tasks, mpsc::UnboundedReceiver<Fatal>) {
        let (ended, reasons) = mpsc::unbounded_channel();
        (Tasks { ended }, reasons)
    }

    /// Starts a task that returns `Ok` only when it was asked to end, or is done for good.
    pub(crate) fn spawn(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<(), Fatal>> + Send + 'static,
    ) {
        let mut watch = Watch { name, ended: self.ended.clone(), is_over: false };
        tokio::spawn(async move {
            let ended = work.await;
            watch.is_over = true;
            if let Err(fatal) = ended {
                let _ = watch.ended.send(fatal);
            }
        });
    }
}

/// Says so when its task is dropped before the end: a panic unwinds it.
struct Watch {
    name: &'static str,
    ended: mpsc::UnboundedSender<Fatal>,
    is_over: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.is_over {
            // Nobody hears it when the whole process ends.
            let _ = self.ended.send(Fatal::TaskLost { task: self.name });
        }
    }
}
