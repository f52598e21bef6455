//! A string that can be read, put, and appended to.

use super::Model;

/// The model; the string is empty at the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Append;

/// A string by its length and a hash that grows with it, so that appending costs the same however
/// long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    length: u64,
    hash: u64,
    /// The hash's base to the power of the length.
    power: u64,
}

/// A prime, and a base below it.
const PRIME: u64 = (1 << 61) - 1;
const BASE: u64 = 0x1234_5678_9abc_def1 % PRIME;

fn times(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

impl Text {
    /// Of a string.
    pub fn of(text: &str) -> Self {
        let mut own = Text { length: 0, hash: 0, power: 1 };
        for byte in text.bytes() {
            own.hash = (times(own.hash, BASE) + u64::from(byte) + 1) % PRIME;
            own.power = times(own.power, BASE);
            own.length += 1;
        }
        own
    }

    fn then(self, more: Text) -> Self {
        Text {
            length: self.length + more.length,
            hash: (times(self.hash, more.power) + more.hash) % PRIME,
            power: times(self.power, more.power),
        }
    }
}

/// An operation with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOp {
    /// A read and what it saw.
    Get(Text),
    /// A put.
    Put(Text),
    /// An append.
    Append(Text),
}

impl Model for Append {
    type Op = AppendOp;
    type State = Text;

    fn initial(&self) -> Text {
        Text::of("")
    }

    fn step(&self, state: &Text, op: &AppendOp) -> Result<Text, String> {
        match op {
            AppendOp::Get(seen) if seen == state => Ok(*state),
            AppendOp::Get(seen) => {
                Err(format!("read {} bytes, but {} others are there", seen.length, state.length))
            }
            AppendOp::Put(text) => Ok(*text),
            AppendOp::Append(text) => Ok(state.then(*text)),
        }
    }

    fn digest(&self, state: &Text) -> u128 {
        u128::from(state.length) << 64 | u128::from(state.hash)
    }

    fn is_pure(&self, op: &AppendOp) -> bool {
        matches!(op, AppendOp::Get(_))
    }
}
