//! Writes a history file, one record a line; equal histories give equal bytes.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::{ErrorAnswer, History, Op, Origin, Outcome, Record, Request, Response};

/// The number of records between two `called_before_ns` lines.
const PORTION: usize = 4_096;

/// Writes records one by one.
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Writes the first line.
    pub fn new(mut out: W, origin: &Origin) -> io::Result<Self> {
        serde_json::to_writer(&mut out, origin)?;
        out.write_all(b"\n")?;
        Ok(Writer { out })
    }

    /// Writes one line.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, record)?;
        self.out.write_all(b"\n")
    }

    /// Promises that every record called before a moment is written: later records were called at
    /// that moment or after it. A call in flight holds the promise back until it returns or is
    /// given up as unknown.
    pub fn called_before(&mut self, ns: u64) -> io::Result<()> {
        writeln!(self.out, "{{\"called_before_ns\":{ns}}}")
    }

    /// Promises that nothing follows, for a reader that follows the file.
    pub fn end(&mut self) -> io::Result<()> {
        self.out.write_all(b"{\"end\":true}\n")
    }

    /// Flushes what is written so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Flushes, and returns the underlying writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

impl History {
    /// Writes the whole history. A long history gets `called_before_ns` lines for followers.
    pub fn write_to<W: Write>(&self, out: W) -> io::Result<W> {
        let mut writer = Writer::new(out, &self.origin)?;
        let mut left = vec![u64::MAX; self.records.len() / PORTION + 1];
        for (portion, records) in self.records.chunks(PORTION).enumerate().rev() {
            let own = records.iter().map(|record| record.call_ns).min().unwrap_or(u64::MAX);
            left[portion] = own.min(left.get(portion + 1).copied().unwrap_or(u64::MAX));
        }
        for (portion, records) in self.records.chunks(PORTION).enumerate() {
            if portion > 0 {
                writer.called_before(left[portion])?;
            }
            for record in records {
                writer.write(record)?;
            }
        }
        writer.finish()
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    id: u64,
    process: u64,
    member: u64,
    #[serde(skip_serializing_if = "super::is_default")]
    connection: u64,
    op: Op,
    call_ns: u64,
    return_ns: Option<u64>,
    outcome: Outcome,
    request: &'a Request,
    response: Option<&'a Response>,
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire {
            id: self.id,
            process: self.process,
            member: self.member,
            connection: self.connection,
            op: self.request.op(),
            call_ns: self.call_ns,
            return_ns: self.return_ns,
            outcome: self.outcome,
            request: &self.request,
            response: self.response.as_ref(),
        }
        .serialize(serializer)
    }
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Request::Range(request) => request.serialize(serializer),
            Request::Put(request) => request.serialize(serializer),
            Request::DeleteRange(request) => request.serialize(serializer),
            Request::Txn(request) => request.serialize(serializer),
            Request::Compact(request) => request.serialize(serializer),
            Request::WatchCreate(request) => request.serialize(serializer),
            Request::WatchCancel(request) => request.serialize(serializer),
            Request::WatchProgress(stream)
            | Request::WatchResponse(stream)
            | Request::WatchEnd(stream) => stream.serialize(serializer),
            Request::Quiesced(request) => request.serialize(serializer),
            Request::LeaseGrant(request) => request.serialize(serializer),
            Request::LeaseRevoke(request) | Request::LeaseKeepAlive(request) => {
                request.serialize(serializer)
            }
            Request::LeaseTimeToLive(request) => request.serialize(serializer),
            Request::LeaseLeases(request) => request.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct ErrorWire<'a> {
    error: &'a ErrorAnswer,
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Response::Range(response) => response.serialize(serializer),
            Response::Put(response) => response.serialize(serializer),
            Response::DeleteRange(response) => response.serialize(serializer),
            Response::Txn(response) => response.serialize(serializer),
            Response::Compact(response) => response.serialize(serializer),
            Response::LeaseGrant(response) => response.serialize(serializer),
            Response::LeaseRevoke(response) => response.serialize(serializer),
            Response::LeaseKeepAlive(response) => response.serialize(serializer),
            Response::LeaseTimeToLive(response) => response.serialize(serializer),
            Response::LeaseLeases(response) => response.serialize(serializer),
            Response::Watch(response) => response.serialize(serializer),
            Response::Error(error) => ErrorWire { error }.serialize(serializer),
        }
    }
}
