//! Remembers which pairs of (operations done, state) were tried, within a bound.

/// A set of 128-bit keys in a table that grows up to its bound and then overwrites.
pub(crate) struct Memory {
    slots: Vec<u128>,
    used: usize,
    most: usize,
}

/// How far from its own place a key may lie.
const REACH: usize = 8;

impl Memory {
    /// Takes no more than so many bytes, but for the least of tables.
    pub(crate) fn new(bytes: usize) -> Self {
        // While it grows the old table lies beside the new one.
        let most = (bytes / size_of::<u128>() * 2 / 3).max(64);
        let most = if most.is_power_of_two() { most } else { most.next_power_of_two() / 2 };
        Memory { slots: vec![0; 1024.min(most)], used: 0, most }
    }

    /// What it may take.
    pub(crate) fn most_bytes(&self) -> usize {
        self.most * size_of::<u128>() / 2 * 3
    }

    /// Whether the key is new; it is not afterwards.
    pub(crate) fn insert(&mut self, key: u128) -> bool {
        let key = key.max(1); // 0 marks a free slot
        if self.used * 2 > self.slots.len() && self.slots.len() < self.most {
            self.grow();
        }
        self.place(key)
    }

    fn place(&mut self, key: u128) -> bool {
        let mask = self.slots.len() - 1;
        let own = (key >> 64) as usize & mask;
        for step in 0..REACH {
            let slot = &mut self.slots[(own + step) & mask];
            if *slot == key {
                return false;
            }
            if *slot == 0 {
                *slot = key;
                self.used += 1;
                return true;
            }
        }
        // Full around here: something is forgotten, and may be tried again.
        let victim = (own + (key as usize) % REACH) & mask;
        self.slots[victim] = key;
        true
    }

    fn grow(&mut self) {
        let larger = vec![0; self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, larger);
        self.used = 0;
        for key in old.into_iter().filter(|key| *key != 0) {
            self.place(key);
        }
    }
}

/// A well-mixed 128-bit number for a number.
pub(crate) fn scatter(number: u64, seed: u64) -> u128 {
    let low = mix(number ^ seed);
    let high = mix(low ^ number.rotate_left(32) ^ 0x2545_f491_4f6c_dd1d);
    u128::from(high) << 64 | u128::from(low)
}

/// Mixes a state's digest so that it does not cancel with the set's key.
pub(crate) fn combine(set: u128, digest: u128) -> u128 {
    let low = mix(digest as u64 ^ 0x9e37_79b9_7f4a_7c15);
    let high = mix((digest >> 64) as u64 ^ low);
    set ^ (u128::from(high) << 64 | u128::from(low))
}

fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
