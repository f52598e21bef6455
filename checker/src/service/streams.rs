//! In the steady part of a window no watch stream to an able member ends, but by its client.

use super::windows::Window;
use super::{STREAM, ServedRun, ServiceCheck, ServiceFinding};
use crate::history::{Request, Response};
use crate::words;

/// Checks the end of every stream. An end that the record gives no error for is the client's own.
pub(super) fn check(run: &ServedRun<'_>, windows: &[Window]) -> ServiceCheck {
    let mut check = ServiceCheck::new(STREAM);
    for record in run.records {
        let Request::WatchEnd(_) = &record.request else { continue };
        let at = windows.partition_point(|window| window.to_ns < record.call_ns);
        let Some(window) = windows.get(at) else { continue };
        // What broke the stream may have struck a moment before the client heard of it, and the end
        // of a window is such a moment.
        let heard_ns = record.call_ns.saturating_add(run.settings.latency_ns);
        if !window.has(record.member) || !window.covers(run, record.call_ns, heard_ns) {
            continue;
        }
        check.look(match &record.response {
            Some(Response::Error(error)) => Some(ServiceFinding {
                reason: format!(
                    "the watch stream of {} at m{} ended at {} with \"{}\" ({}), {}: nothing that \
                     was injected explains that",
                    words::who(record.process),
                    record.member,
                    words::time(record.call_ns),
                    error.message,
                    error.code,
                    window.told(record.call_ns)
                ),
                evidence: vec![record.id],
                at_ns: record.call_ns,
            }),
            _ => None,
        });
    }
    check
}
