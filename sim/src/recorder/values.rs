//! Values: a long one is held once, however often members send it.
//!
//! Every watcher is sent every value, and with the value before. Without this a history of large
//! values takes many times the bytes that were written.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use mettle_checker::history::Blob;

/// Shorter ones are copied.
const SHORT: usize = 256;

/// The long values of a history; clones are handles to the same ones.
#[derive(Clone, Debug, Default)]
pub struct Values(Arc<Mutex<BTreeSet<Blob>>>);

impl Values {
    /// These bytes, in the memory of those that came before if they did.
    pub fn shared(&self, bytes: &[u8]) -> Blob {
        if bytes.len() < SHORT {
            return Blob::from(bytes);
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blob) = held.get(bytes) {
            return blob.clone();
        }
        let blob = Blob::from(bytes);
        held.insert(blob.clone());
        blob
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_held_once_and_a_short_one_is_copied() {
        let values = Values::default();
        let long = vec![7; SHORT];
        let (first, second) = (values.shared(&long), values.clone().shared(&long));
        assert_eq!(first.as_slice().as_ptr(), second.as_slice().as_ptr());
        assert_eq!(first.as_slice(), &long[..]);
        assert_eq!(values.shared(b"short").as_slice(), b"short");
        assert_eq!(values.0.lock().unwrap().len(), 1);
    }
}
