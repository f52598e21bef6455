//! The pump of the watch hub: brings unsynced watchers up to date, and tells of progress.

use crate::platform::blocking;

use super::{Fatal, Handle};

/// Works as long as the member.
///
/// # Errors
/// When storage fails.
pub async fn run(node: Handle) -> Result<(), Fatal> {
    let shared = node.shared().clone();
    let clock = shared.platform.clock.clone();
    let interval = shared.config.watch_progress_interval;
    let mut progress_at = clock.now() + interval;
    loop {
        let timer = clock.sleep_until(progress_at);
        tokio::select! {
            biased;
            () = shared.hub_work.notified() => {}
            () = timer => {
                progress_at = clock.now() + interval;
                shared.hub.lock().expect("no holder panics").progress_round();
            }
        }
        while shared.hub.lock().expect("no holder panics").needs_sync() {
            let (hub, store) = (shared.hub.clone(), node.store());
            let step = move || hub.lock().expect("no holder panics").sync(&store);
            if !blocking(&shared.platform.disk, step).await? {
                break;
            }
        }
    }
}
