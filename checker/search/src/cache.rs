//! Remembers which configurations were reached, within a bound on memory.

/// A set of 128-bit keys: a table that grows up to its bound and then overwrites old keys.
pub(crate) struct Cache {
    slots: Vec<u128>,
    used: usize,
    most: usize,
}

/// The greatest distance between a key and the place that its hash names.
const REACH: usize = 8;

impl Cache {
    /// An empty cache that takes at most so many bytes, or the smallest table if that is larger.
    pub(crate) fn new(bytes: usize) -> Self {
        // While the table grows, the old one lies beside the new one.
        let most = (bytes / size_of::<u128>() * 2 / 3).max(64);
        let most = if most.is_power_of_two() { most } else { most.next_power_of_two() / 2 };
        Cache { slots: vec![0; 1024.min(most)], used: 0, most }
    }

    /// The most bytes that the table may take.
    pub(crate) fn most_bytes(&self) -> usize {
        self.most * size_of::<u128>() / 2 * 3
    }

    /// Inserts a key; whether it was new.
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
        // All places within reach are full: one configuration is forgotten, and may be tried again.
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

/// Spreads a number over 128 bits.
pub(crate) fn scatter(number: u64, seed: u64) -> u128 {
    let low = mix(number ^ seed);
    let high = mix(low ^ number.rotate_left(32) ^ 0x2545_f491_4f6c_dd1d);
    u128::from(high) << 64 | u128::from(low)
}

/// Mixes a state's digest into the set's key so that the two do not cancel out.
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
