//! Randomness seeded by the operating system.

use rand::RngCore;

use crate::platform::Entropy;

/// The thread's generator, seeded and reseeded from the system.
pub(super) struct RealEntropy;

impl Entropy for RealEntropy {
    fn next_u64(&self) -> u64 {
        rand::rng().next_u64()
    }
}
