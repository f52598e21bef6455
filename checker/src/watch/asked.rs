//! What the walk asks in each of its places, in the order of the table. The lists are picked when
//! compiling: the walk asks at every event.

use super::PROMISES;
use super::promise::{AtChange, AtEvent, AtResponse};

macro_rules! picked {
    ($place:ident, $asks:ty) => {{
        const COUNT: usize = {
            let (mut count, mut row) = (0, 0);
            while row < PROMISES.len() {
                if PROMISES[row].$place.is_some() {
                    count += 1;
                }
                row += 1;
            }
            count
        };
        const NOTHING: $asks = |_, _| Ok(());
        const PICKED: [$asks; COUNT] = {
            let mut picked = [NOTHING; COUNT];
            let (mut count, mut row) = (0, 0);
            while row < PROMISES.len() {
                if let Some(ask) = PROMISES[row].$place {
                    picked[count] = ask;
                    count += 1;
                }
                row += 1;
            }
            picked
        };
        &PICKED
    }};
}

/// Of each response with events.
pub(super) const AT_RESPONSE: &[AtResponse] = picked!(response, AtResponse);

/// Of each event, after those before it.
pub(super) const AT_EVENT: &[AtEvent] = picked!(event, AtEvent);

/// Of each event beside the change that it tells of.
pub(super) const AT_CHANGE: &[AtChange] = picked!(change, AtChange);
