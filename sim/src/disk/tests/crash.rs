//! Power losses against a model of every value that each byte may have afterwards.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Write {
        offset: usize,
        len: usize,
        fill: u8,
    },
    Sync,
    /// A sync that is called but not waited for.
    CallSync,
    Lose {
        keep: Keep,
        tear_ppm: u32,
        garbage_ppm: u32,
        region: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let keep = prop::sample::select(vec![
        Keep::Nothing,
        Keep::Everything,
        Keep::Prefix,
        Keep::Subset,
        Keep::Subset,
    ]);
    let region = prop::sample::select(vec![1, 512, 4096]);
    let share = prop::sample::select(vec![0, 0, 300_000]);
    prop_oneof![
        8 => (0usize..4000, 1usize..2000, any::<u8>())
            .prop_map(|(offset, len, fill)| Op::Write { offset, len, fill }),
        2 => Just(Op::Sync),
        1 => Just(Op::CallSync),
        1 => (keep, share.clone(), share, region).prop_map(|(keep, tear_ppm, garbage_ppm, region)| {
            Op::Lose { keep, tear_ppm, garbage_ppm, region }
        }),
    ]
}

/// Every value that a byte may have after a power loss: the durable one, then unsynced ones.
#[derive(Clone, Debug, Default)]
struct Byte {
    durable: u8,
    unsynced: Vec<u8>,
}

impl Byte {
    fn may_be(&self, value: u8) -> bool {
        value == self.durable || self.unsynced.contains(&value)
    }
}

/// Checks what a power loss has left, and goes on from it.
fn check(story: &mut Story, bytes: &mut Vec<Byte>, synced_len: &mut usize, op: &Op) {
    let &Op::Lose { keep, tear_ppm, garbage_ppm, region } = op else { return };
    let policy = PowerLoss { tear_ppm, garbage_ppm, region, ..PowerLoss::clean(keep) };
    let effect = story.lose_power(policy);
    let left = story.content("state").expect("its name is durable");
    assert!(left.len() >= *synced_len, "synced bytes were cut off");
    assert!(left.len() <= bytes.len());
    let touched: BTreeSet<usize> =
        (0..bytes.len()).filter(|at| !bytes[*at].unsynced.is_empty()).collect();
    for (at, &value) in left.iter().enumerate() {
        let byte = &bytes[at];
        match keep {
            Keep::Nothing if garbage_ppm == 0 => assert_eq!(value, byte.durable),
            Keep::Everything => {
                assert_eq!(value, *byte.unsynced.last().unwrap_or(&byte.durable));
            }
            _ if garbage_ppm == 0 => assert!(byte.may_be(value), "{value} at {at}: {byte:?}"),
            _ => {
                let start = at - at % region as usize;
                let beside = touched.range(start..start + region as usize).next().is_some();
                assert!(beside || value == byte.durable, "a synced byte changed far from a write");
            }
        }
    }
    if touched.is_empty() {
        assert_eq!(effect.unsynced_sectors, 0);
    }
    *synced_len = left.len();
    *bytes = left.into_iter().map(|durable| Byte { durable, unsynced: Vec::new() }).collect();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_synced_byte_is_ever_lost(seed: u64, ops in prop::collection::vec(op(), 1..60)) {
        let mut story = Story::new(seed);
        story.open("state");
        story.sync_dir("");
        let mut bytes: Vec<Byte> = Vec::new();
        let mut synced_len = 0;
        for op in &ops {
            let file = story.open("state");
            match *op {
                Op::Write { offset, len, fill } => {
                    story.write(file, offset as u64, &vec![fill; len]).unwrap();
                    bytes.resize(bytes.len().max(offset + len), Byte::default());
                    bytes[offset..offset + len].iter_mut().for_each(|b| b.unsynced.push(fill));
                }
                Op::Sync => {
                    story.sync(file).unwrap();
                    for byte in &mut bytes {
                        byte.durable = byte.unsynced.pop().unwrap_or(byte.durable);
                        byte.unsynced.clear();
                    }
                    synced_len = bytes.len();
                }
                Op::CallSync => {
                    story.disk.sync(story.caller(), file).result.unwrap();
                }
                Op::Lose { .. } => check(&mut story, &mut bytes, &mut synced_len, op),
            }
            story.disk.check_invariants();
        }
    }
}
