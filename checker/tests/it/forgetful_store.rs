//! A store that forgets its past, beside one that does not.

use crate::world::Dice;
use mettle_checker::history::{Blob, DeleteRangeRequest, PutRequest, Request};
use mettle_checker::model::{Change, Span, Store};

fn request(dice: &mut Dice, keys: u64) -> Request {
    let key = format!("k{}", dice.below(keys)).into();
    if dice.chance(65) {
        let value = format!("v{}", dice.below(9)).into();
        return Request::Put(PutRequest { key, value, ..PutRequest::default() });
    }
    let range_end = if dice.chance(30) { "k4".into() } else { Blob::default() };
    Request::DeleteRange(DeleteRangeRequest { key, range_end, ..DeleteRangeRequest::default() })
}

fn changes(store: &Store, revision: i64) -> Vec<Change<'_>> {
    store.changes(revision).collect()
}

#[test]
fn forgetful_store_answers_like_a_whole_one() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let (mut short, mut long) = (Store::default(), Store::default());
        // With many keys most are deleted for good.
        let keys = if seed % 3 == 0 { 400 } else { 6 };
        for _ in 0..80 + keys / 2 {
            let request = request(&mut dice, keys);
            assert_eq!(short.execute(&request), long.execute(&request));
            if dice.chance(10) {
                let to = short.floor() + dice.below(12) as i64;
                short.forget(to);
                assert_eq!(short.floor(), to.min(short.revision()).max(1));
            }
            if dice.chance(10) {
                let span = short.revision() - short.floor();
                let to = short.revision() - dice.below(span as u64 + 1) as i64;
                short.undo_to(to);
                long.undo_to(to);
            }
            assert_eq!(short.revision(), long.revision());
            let all = Span::everything();
            assert_eq!(short.now().within(&all), long.now().within(&all), "seed {seed}");
            for revision in short.floor()..=short.revision() {
                assert_eq!(short.at(revision).within(&all), long.at(revision).within(&all));
                if revision > short.floor() {
                    assert_eq!(changes(&short, revision), changes(&long, revision));
                }
            }
            assert!(changes(&short, short.floor()).is_empty());
        }
    }
}
