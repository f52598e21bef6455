//! Random streams keyed by their purpose, so that no draw depends on another stream's draws.
//!
//! A stream is named by (seed, purpose, entity, ordinal): the latency of the link from member 1 to
//! member 2, the power loss policy of the third fault of the plan, the entropy of the second start
//! of member 3. Taking one fault out of a plan leaves every other draw as it was: so a failing run
//! can be shrunk.

use std::hash::Hasher;

use mettle_scenarios::settings;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};

/// The ordinal of a fault in its plan: names its random stream and its effect counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FaultId(pub u32);

/// One million: the denominator of every probability here.
pub const MILLION: u32 = 1_000_000;

/// Opens the streams of one run.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of a seed.
    pub fn new(seed: u64) -> Streams {
        Streams { seed }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Opens the stream of this name, at its beginning.
    pub fn open(&self, purpose: &str, entity: u64, ordinal: u64) -> Stream {
        let mut key = [0u8; 32];
        for (half, part) in key.chunks_exact_mut(16).enumerate() {
            let mut hasher = SipHasher13::new_with_keys(self.seed, half as u64);
            hasher.write_u64(purpose.len() as u64);
            hasher.write(purpose.as_bytes());
            hasher.write_u64(entity);
            hasher.write_u64(ordinal);
            part.copy_from_slice(&hasher.finish128().as_u128().to_le_bytes());
        }
        Stream(ChaCha8Rng::from_seed(key))
    }
}

/// One random stream.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// A number below `limit` (0 when the limit is 0). Always consumes one draw.
    pub fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(limit);
        (wide >> 64) as u64
    }

    /// A number from `low` to `high`, both included. Always consumes one draw.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        debug_assert!(low <= high, "an empty range: {low}..={high}");
        let span = high.saturating_sub(low);
        low + if span == u64::MAX { self.next_u64() } else { self.below(span + 1) }
    }

    /// True in `ppm` of a million draws. Always consumes one draw.
    pub fn chance(&mut self, ppm: u32) -> bool {
        self.below(u64::from(MILLION)) < u64::from(ppm)
    }
}

impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// How long something takes: a base, a uniform jitter above it, and a heavy tail.
///
/// The tail stands for retransmissions, garbage collection of flash and other rare delays: in
/// `tail_ppm` of a million cases up to `tail_ns` more, small tails likelier than large ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Least time, in nanoseconds.
    pub base_ns: u64,
    /// Uniformly more, in nanoseconds.
    pub jitter_ns: u64,
    /// How many of a million draws have a tail.
    pub tail_ppm: u32,
    /// The longest tail, in nanoseconds.
    pub tail_ns: u64,
}

impl Latency {
    /// Always the same.
    pub const fn fixed(base_ns: u64) -> Latency {
        Latency { base_ns, jitter_ns: 0, tail_ppm: 0, tail_ns: 0 }
    }

    /// A base and a uniform jitter above it.
    pub const fn uniform(base_ns: u64, jitter_ns: u64) -> Latency {
        Latency { base_ns, jitter_ns, tail_ppm: 0, tail_ns: 0 }
    }

    /// The middle of the body, in nanoseconds: what a draw is compared with to see an effect.
    pub const fn typical_ns(&self) -> u64 {
        self.base_ns + self.jitter_ns / 2
    }

    /// Draws one. Consumes the same number of draws whatever the distribution.
    pub fn draw(&self, stream: &mut Stream) -> u64 {
        let body = self.base_ns + stream.below(self.jitter_ns.saturating_add(1));
        let tail = stream.next_u64();
        if tail % u64::from(MILLION) >= u64::from(self.tail_ppm) {
            return body;
        }
        // The upper bits, squared: half of the tails stay below a quarter of the longest.
        let share = tail >> 40;
        body + ((u128::from(self.tail_ns) * u128::from(share * share)) >> 48) as u64
    }
}

impl From<settings::Latency> for Latency {
    fn from(latency: settings::Latency) -> Latency {
        Latency {
            base_ns: latency.base_ns,
            jitter_ns: latency.jitter_ns,
            tail_ppm: latency.tail_permille * 1000,
            tail_ns: latency.tail_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::RngCore;

    use super::*;

    #[test]
    fn a_stream_depends_on_every_part_of_its_name() {
        let first = |seed, purpose, entity, ordinal| {
            Streams::new(seed).open(purpose, entity, ordinal).next_u64()
        };
        let base = first(1, "latency", 2, 3);
        assert_eq!(base, first(1, "latency", 2, 3));
        assert_ne!(base, first(2, "latency", 2, 3));
        assert_ne!(base, first(1, "latenc", 2, 3));
        assert_ne!(base, first(1, "latency", 3, 3));
        assert_ne!(base, first(1, "latency", 2, 4));
        assert_ne!(base, first(1, "latency", 3, 2));
    }

    #[test]
    fn draws_from_one_stream_leave_another_alone() {
        let streams = Streams::new(7);
        let mut alone = streams.open("disk", 1, 0);
        let expected: Vec<u64> = (0..50).map(|_| alone.next_u64()).collect();
        let mut disk = streams.open("disk", 1, 0);
        let mut net = streams.open("net", 1, 0);
        let mixed: Vec<u64> = (0..50)
            .map(|round| {
                (0..round % 5).for_each(|_| net.fill_bytes(&mut [0; 8]));
                disk.next_u64()
            })
            .collect();
        assert_eq!(expected, mixed);
    }

    proptest! {
        #[test]
        fn draws_stay_in_range(seed: u64, low in 0u64..1000, span in 0u64..1000) {
            let mut stream = Streams::new(seed).open("test", 0, 0);
            for _ in 0..100 {
                let drawn = stream.between(low, low + span);
                prop_assert!((low..=low + span).contains(&drawn));
            }
        }

        #[test]
        fn a_latency_stays_in_its_bounds(seed: u64, base in 0u64..10_000, jitter in 0u64..10_000) {
            let latency = Latency { base_ns: base, jitter_ns: jitter, tail_ppm: 100_000, tail_ns: 50_000 };
            let mut stream = Streams::new(seed).open("test", 0, 0);
            for _ in 0..200 {
                let drawn = latency.draw(&mut stream);
                prop_assert!(drawn >= base && drawn <= base + jitter + 50_000);
            }
        }
    }

    #[test]
    fn tails_are_as_rare_as_asked() {
        let latency = Latency { base_ns: 10, jitter_ns: 0, tail_ppm: 50_000, tail_ns: 1_000_000 };
        let mut stream = Streams::new(1).open("test", 0, 0);
        let tails = (0..100_000).filter(|_| latency.draw(&mut stream) > 10).count();
        assert!((4_500..5_500).contains(&tails), "{tails}");
    }
}
