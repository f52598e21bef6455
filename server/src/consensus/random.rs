//! Draws election timeouts from a seed: equal seeds give equal elections.

/// A splitmix64 stream; good enough to spread timeouts, and nothing here needs secrecy.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Starts the stream of one member; members given the same seed still differ.
    pub(super) fn new(seed: u64, id: u64) -> Self {
        Self(seed ^ id.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// Draws from `[0, bound)`; 0 when `bound` is 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The high half times the bound, shifted down: no division, no visible bias.
        (((mixed >> 32) * u64::from(bound)) >> 32) as u32
    }
}
