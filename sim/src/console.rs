//! Where commands speak: pages on standard output, or one JSON object there and all else beside it.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use crate::error::HarnessError;

/// Standard output and standard error, with their parts assigned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    json: bool,
}

impl Console {
    /// With `json`, standard output is left to one object.
    pub(crate) fn new(json: bool) -> Console {
        Console { json }
    }

    /// Says something to a person.
    pub(crate) fn say(self, text: &str) {
        // A closed pipe ends nobody's run.
        let _ = if self.json {
            writeln!(anstream::stderr(), "{text}")
        } else {
            writeln!(anstream::stdout(), "{text}")
        };
    }

    /// Gives the machine its object, when one was asked for: that it arrives is part of the work,
    /// unless nobody reads any more.
    pub(crate) fn object(self, object: &impl Serialize) -> Result<(), HarnessError> {
        if !self.json {
            return Ok(());
        }
        let line = serde_json::to_string(object).expect("objects have only string keys");
        let mut out = std::io::stdout();
        match writeln!(out, "{line}").and_then(|()| out.flush()) {
            Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(HarnessError::ObjectUnwritten { cause })
            }
            _ => Ok(()),
        }
    }
}

/// Says something that is no part of any page.
pub(crate) fn warn(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Whether a person watches standard error, so that a progress bar makes sense.
pub(crate) fn watched() -> bool {
    std::io::stderr().is_terminal()
}
