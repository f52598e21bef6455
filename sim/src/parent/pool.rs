//! Several runs at a time: real threads that each wait for one child process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// How many runs at a time when nobody says.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Does `work` on each item, `jobs` at a time, begun in order; `done` hears each end as it comes,
/// and says whether to go on.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(usize, R) -> bool,
) {
    let next = AtomicUsize::new(0);
    let (next, work) = (&next, &work);
    std::thread::scope(|scope| {
        // Rendezvous: nobody runs ahead of who hears, who may say stop.
        let (tx, rx) = mpsc::sync_channel(0);
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            let tx = tx.clone();
            scope.spawn(move || {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(place) else { break };
                    if tx.send((place, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(tx);
        for (place, result) in rx {
            if !done(place, result) {
                next.store(items.len(), Ordering::Relaxed);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        let items: Vec<u64> = (0..100).collect();
        let mut seen = vec![0; 100];
        each(
            &items,
            4,
            |item| item * 2,
            |place, double| {
                assert_eq!(double, place as u64 * 2);
                seen[place] += 1;
                true
            },
        );
        assert_eq!(seen, vec![1; 100]);
    }

    #[test]
    fn it_stops_when_told() {
        let items = vec![(); 10_000];
        let mut ends = 0;
        each(
            &items,
            2,
            |()| (),
            |_, ()| {
                ends += 1;
                ends < 5
            },
        );
        assert!((5..10).contains(&ends), "{ends}");
    }
}
