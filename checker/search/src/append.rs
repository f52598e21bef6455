//! The model of a string with reads, puts and appends.
//!
//! **Lookahead.** As long as a string is only appended to, its present content stays a prefix. So
//! the value of every remaining read must start with the present content, unless a put comes before
//! the read; then the value must start with the value of that put. The lookahead asks this of the
//! remaining read that returns next, and the search almost never appends in a wrong order. Prefixes
//! are compared by hash. A collision may let a wrong step pass, which the read itself rejects
//! later; it never forbids a right step.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::Arc;

use crate::model::{Call, Lookahead, Model};

/// The model; the string starts empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Append;

/// A string as its length and a rolling hash: appending costs the same however long the string is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    length: u64,
    hash: u64,
    /// The base of the hash to the power of the length.
    power: u64,
}

/// The modulus of the hash, a prime, and its base.
const PRIME: u64 = (1 << 61) - 1;
const BASE: u64 = 0x1234_5678_9abc_def1 % PRIME;

/// The product modulo the prime, without a division: modulo 2^61 - 1 the bits above bit 61 can be
/// added to the bits below it.
fn times(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    below_prime((product as u64 & PRIME) + (product >> 61) as u64)
}

/// Reduces a number below twice the prime.
fn below_prime(number: u64) -> u64 {
    if number >= PRIME { number - PRIME } else { number }
}

impl Text {
    const EMPTY: Text = Text { length: 0, hash: 0, power: 1 };

    /// The hash of a string.
    pub fn of(text: &str) -> Self {
        text.bytes().fold(Text::EMPTY, Text::and)
    }

    fn and(mut self, byte: u8) -> Text {
        self.hash = below_prime(times(self.hash, BASE) + u64::from(byte) + 1);
        self.power = times(self.power, BASE);
        self.length += 1;
        self
    }

    fn then(self, more: Text) -> Self {
        Text {
            length: self.length + more.length,
            hash: below_prime(times(self.hash, more.power) + more.hash),
            power: times(self.power, more.power),
        }
    }
}

/// The value of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    whole: Arc<str>,
    text: Text,
}

impl Seen {
    /// The value as a string and as its hash.
    pub fn of(text: &str) -> Self {
        Seen { whole: Arc::from(text), text: Text::of(text) }
    }
}

/// An operation with its recorded answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOp {
    /// A read and its value.
    Get(Seen),
    /// A put.
    Put(Text),
    /// An append.
    Append(Text),
}

/// A read whose value is not the string's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others {
    seen: u64,
    there: u64,
}

impl Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it read {} bytes, while {} others are there", self.seen, self.there)
    }
}

impl Model for Append {
    type Op = AppendOp;
    type State = Text;
    type Mismatch = Others;

    fn initial(&self) -> Text {
        Text::of("")
    }

    fn step(&self, state: &Text, op: &AppendOp) -> Result<Text, Others> {
        match op {
            AppendOp::Get(seen) if seen.text == *state => Ok(*state),
            AppendOp::Get(Seen { text, .. }) => {
                Err(Others { seen: text.length, there: state.length })
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

    fn effect(&self, op: &AppendOp) -> Option<[u64; 3]> {
        match op {
            AppendOp::Put(text) => Some([0, text.length, text.hash]),
            AppendOp::Append(text) => Some([1, text.length, text.hash]),
            AppendOp::Get(_) => None,
        }
    }

    fn lookahead_bytes(&self, calls: &[Call<AppendOp>]) -> usize {
        let puts = calls.iter().filter(|call| matches!(call.op, AppendOp::Put(_))).count();
        let demanded = calls.iter().map(|call| match &call.op {
            AppendOp::Get(seen) => size_of::<u64>() * (seen.whole.len() + 1 + 2 * puts),
            AppendOp::Put(_) | AppendOp::Append(_) => 0,
        });
        // The limit is checked after each read, so the last read may exceed it.
        let largest = demanded.clone().max().unwrap_or(0);
        demanded.sum::<usize>().min(MOST_BYTES + largest)
    }

    fn lookahead(&self, calls: &[Call<AppendOp>]) -> Option<Box<dyn Lookahead<Text>>> {
        Some(Box::new(Ahead::new(calls)))
    }
}

/// What each remaining read demands of the string's content.
struct Ahead {
    /// The hashes of all prefixes of the longest values: values that are prefixes of another value
    /// share its chain.
    chains: Vec<Vec<u64>>,
    /// The demand of each read; None for operations of other kinds and for reads beyond the limit
    /// on memory.
    reads: Vec<Option<Demand>>,
    /// The reads with a demand, ordered by return.
    sorted: Vec<usize>,
    /// The place of each operation in `sorted`.
    place: Vec<usize>,
    /// Every read before this place in `sorted` is linearized.
    next: usize,
    left: Vec<bool>,
}

struct Demand {
    length: u64,
    chain: usize,
    /// The puts that may come before the read and whose value is a prefix of the read's value.
    puts: Vec<usize>,
}

/// The most bytes that chains and demands may take.
const MOST_BYTES: usize = 64 << 20;

impl Ahead {
    fn new(calls: &[Call<AppendOp>]) -> Self {
        let mut ahead = Ahead {
            chains: Vec::new(),
            reads: calls.iter().map(|_| None).collect(),
            sorted: Vec::new(),
            place: vec![usize::MAX; calls.len()],
            next: 0,
            left: vec![true; calls.len()],
        };
        let seen = calls.iter().enumerate().filter_map(|(place, call)| match &call.op {
            AppendOp::Get(seen) if call.returned.is_some() => Some((place, seen)),
            _ => None,
        });
        let mut seen: Vec<(usize, &Seen)> = seen.collect();
        seen.sort_by_key(|(place, seen)| (std::cmp::Reverse(seen.text.length), *place));
        let mut bytes = 0;
        let mut ends: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        let puts = Puts::new(calls);
        for (place, seen) in seen {
            let end = (seen.text.length, seen.text.hash);
            let fits = |chain: &Vec<u64>| chain[seen.text.length as usize] == seen.text.hash;
            let known = ends.get(&end).copied().or_else(|| ahead.chains.iter().position(fits));
            let chain = known.unwrap_or_else(|| {
                bytes += size_of::<u64>() * (seen.whole.len() + 1);
                ahead.chains.push(prefixes(&seen.whole));
                ahead.chains.len() - 1
            });
            ends.insert(end, chain);
            let puts = puts.before(&calls[place], seen.text.length, &ahead.chains[chain]);
            bytes += size_of::<usize>() * puts.capacity();
            if bytes > MOST_BYTES {
                break;
            }
            ahead.reads[place] = Some(Demand { length: seen.text.length, chain, puts });
        }
        ahead.sorted = (0..calls.len()).filter(|op| ahead.reads[*op].is_some()).collect();
        ahead.sorted.sort_by_key(|op| calls[*op].returned);
        for (number, op) in ahead.sorted.iter().enumerate() {
            ahead.place[*op] = number;
        }
        ahead
    }
}

fn prefixes(text: &str) -> Vec<u64> {
    let mut all = Vec::with_capacity(text.len() + 1);
    let mut prefix = Text::EMPTY;
    all.push(prefix.hash);
    for byte in text.bytes() {
        prefix = prefix.and(byte);
        all.push(prefix.hash);
    }
    all
}

/// The puts of each value.
struct Puts {
    by_value: BTreeMap<(u64, u64), Vec<(u64, usize)>>,
    lengths: Vec<u64>,
}

impl Puts {
    fn new(calls: &[Call<AppendOp>]) -> Self {
        let mut by_value: BTreeMap<(u64, u64), Vec<(u64, usize)>> = BTreeMap::new();
        for (place, call) in calls.iter().enumerate() {
            if let AppendOp::Put(text) = &call.op {
                by_value.entry((text.length, text.hash)).or_default().push((call.call, place));
            }
        }
        let mut lengths: Vec<u64> = by_value.keys().map(|(length, _)| *length).collect();
        lengths.dedup();
        Puts { by_value, lengths }
    }

    fn before(&self, read: &Call<AppendOp>, length: u64, chain: &[u64]) -> Vec<usize> {
        let lengths = self.lengths.iter().take_while(|own| **own <= length);
        let same = lengths.filter_map(|own| self.by_value.get(&(*own, chain[*own as usize])));
        let called = same.flatten().filter(|(call, _)| Some(*call) <= read.returned);
        called.map(|(_, place)| *place).collect()
    }
}

impl Lookahead<Text> for Ahead {
    fn linearize(&mut self, op: usize) {
        self.left[op] = false;
    }

    fn take_back(&mut self, op: usize) {
        self.left[op] = true;
        self.next = self.next.min(self.place[op]);
    }

    fn impossible_after(&mut self, _: &Text, after: &Text, op: usize) -> Option<usize> {
        while self.sorted.get(self.next).is_some_and(|read| !self.left[*read]) {
            self.next += 1;
        }
        let left = |other: usize| other != op && self.left[other];
        let next = self.sorted[self.next..].iter().copied().find(|read| left(*read))?;
        let demand = self.reads[next].as_ref()?;
        let begins = after.length <= demand.length
            && self.chains[demand.chain][after.length as usize] == after.hash;
        let open = begins || demand.puts.iter().any(|put| left(*put));
        (!open).then_some(next)
    }
}
