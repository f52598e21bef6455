//! Numbers keys in the order in which they were entered, and finds a key's number in one step.

use crate::history::Blob;

/// A hash table with open addressing. The hash is fixed, so the numbers depend on nothing but the
/// keys.
///
/// Invariants: the number of slots is a power of two, at least half of them are free, and each key
/// is found in one slot, by its own number.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyIndex {
    keys: Vec<Blob>,
    /// A part of the hash, and the key's number plus one; 0 marks a free slot.
    slots: Vec<(u32, u32)>,
}

const LEAST_SLOTS: usize = 16;

impl KeyIndex {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// A key by its number.
    pub(crate) fn key(&self, number: u32) -> &Blob {
        &self.keys[number as usize]
    }

    /// The number of a key, if it was entered.
    pub(crate) fn get(&self, key: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        match self.find(hash(key), key) {
            Slot::Taken(number) => Some(number),
            Slot::Free(_) => None,
        }
    }

    /// The number of a key; a new key is entered.
    pub(crate) fn enter(&mut self, key: &Blob) -> u32 {
        if self.keys.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(key);
        match self.find(hash, key) {
            Slot::Taken(number) => number,
            Slot::Free(at) => {
                self.keys.push(key.clone());
                let number = self.keys.len() as u32;
                self.slots[at] = (tag(hash), number);
                number - 1
            }
        }
    }

    fn find(&self, hash: u64, key: &[u8]) -> Slot {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.slots[at] {
                (_, 0) => return Slot::Free(at),
                (other, next) if other == tag(hash) => {
                    let number = next - 1;
                    if self.keys[number as usize].as_slice() == key {
                        return Slot::Taken(number);
                    }
                }
                _ => {}
            }
            at = (at + 1) & mask;
        }
    }

    /// Asserts the invariants, key by key.
    pub(super) fn check_invariants(&self) {
        let slots = self.slots.len();
        assert!(
            self.keys.is_empty() && slots == 0 || slots.is_power_of_two(),
            "{slots} slots are no power of two"
        );
        let (keys, half) = (self.keys.len(), slots / 2);
        assert!(keys <= half, "{keys} keys, but {half} are half of the slots");
        let taken = self.slots.iter().filter(|(_, next)| *next != 0).count();
        assert_eq!(taken, self.keys.len(), "slots taken and keys");
        for (number, key) in self.keys.iter().enumerate() {
            let found = self.get(key);
            assert_eq!(found, Some(number as u32), "where key {key} is found and its number");
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(LEAST_SLOTS);
        self.slots = vec![(0, 0); size];
        for (number, key) in self.keys.iter().enumerate() {
            let hash = hash(key);
            let mut at = hash as usize & (size - 1);
            while self.slots[at].1 != 0 {
                at = (at + 1) & (size - 1);
            }
            self.slots[at] = (tag(hash), number as u32 + 1);
        }
    }
}

enum Slot {
    Taken(u32),
    Free(usize),
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Hashes eight bytes at a time; each word is mixed in by a multiplication to 128 bits.
fn hash(key: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = key.len() as u64 ^ 0x2545_f491_4f6c_dd1d;
    for part in key.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        let product = u128::from(hash ^ u64::from_le_bytes(word)) * u128::from(ODD);
        hash = (product >> 64) as u64 ^ product as u64;
    }
    let product = u128::from(hash) * u128::from(0xbf58_476d_1ce4_e5b9_u64);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keys_in_order() {
        let mut index = KeyIndex::default();
        let name =
            |number: u32| Blob::from(format!("{}{number}", "k".repeat(number as usize % 40)));
        assert_eq!(index.get(b"k"), None);
        for round in 0..2 {
            for number in 0..5_000 {
                assert_eq!(index.enter(&name(number)), number, "round {round}");
            }
        }
        assert_eq!(index.len(), 5_000);
        for number in 0..5_000 {
            assert_eq!(index.get(&name(number)), Some(number));
            assert_eq!(index.key(number), &name(number));
        }
        assert_eq!(index.get(b""), None);
        assert_eq!(index.get(b"another"), None);
        index.check_invariants();
    }

    fn broken(change: impl FnOnce(&mut KeyIndex)) {
        let mut index = KeyIndex::default();
        for key in ["a", "b", "c"] {
            index.enter(&key.into());
        }
        index.check_invariants();
        change(&mut index);
        index.check_invariants();
    }

    #[test]
    #[should_panic(expected = "15 slots are no power of two")]
    fn a_slot_that_is_missing_is_noticed() {
        broken(|index| index.slots.truncate(15));
    }

    #[test]
    #[should_panic(expected = "3 keys, but 1 are half of the slots")]
    fn a_table_that_is_too_full_is_noticed() {
        broken(|index| index.slots.truncate(2));
    }

    #[test]
    #[should_panic(expected = "slots taken and keys")]
    fn a_key_without_a_slot_is_noticed() {
        broken(|index| index.keys.push("d".into()));
    }

    #[test]
    #[should_panic(expected = "where key b is found and its number")]
    fn a_key_that_is_not_found_is_noticed() {
        broken(|index| index.keys.swap(0, 1));
    }
}
