//! Random operations against a model so naive that it can be believed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const PATHS: [&str; 3] = ["a", "b", "wal/c"];

#[derive(Clone, Debug)]
enum Op {
    Write { path: usize, offset: u64, len: usize, fill: u8 },
    SetLen { path: usize, len: u64 },
    Truncate { path: usize },
    Rename { from: usize, to: usize },
    Remove { path: usize },
    Sync { path: usize },
    SyncDirs,
    Kill,
}

fn op() -> impl Strategy<Value = Op> {
    let path = 0usize..PATHS.len();
    prop_oneof![
        6 => (path.clone(), 0u64..3000, 1usize..2000, 1u8..).prop_map(|(path, offset, len, fill)| {
            Op::Write { path, offset, len, fill }
        }),
        1 => (path.clone(), 0u64..4000).prop_map(|(path, len)| Op::SetLen { path, len }),
        1 => path.clone().prop_map(|path| Op::Truncate { path }),
        1 => (path.clone(), path.clone()).prop_map(|(from, to)| Op::Rename { from, to }),
        1 => path.clone().prop_map(|path| Op::Remove { path }),
        2 => path.prop_map(|path| Op::Sync { path }),
        1 => Just(Op::SyncDirs),
        1 => Just(Op::Kill),
    ]
}

/// What every path holds, as a process sees it.
type Model = BTreeMap<&'static str, Vec<u8>>;

fn step(story: &mut Story, model: &mut Model, op: &Op) {
    match *op {
        Op::Write { path, offset, len, fill } => {
            let file = story.open(PATHS[path]);
            story.write(file, offset, &vec![fill; len]).unwrap();
            let content = model.entry(PATHS[path]).or_default();
            let end = offset as usize + len;
            content.resize(content.len().max(end), 0);
            content[offset as usize..end].fill(fill);
        }
        Op::SetLen { path, len } => {
            let file = story.open(PATHS[path]);
            story.disk.set_len(story.caller(), file, len).result.unwrap();
            model.entry(PATHS[path]).or_default().resize(len as usize, 0);
        }
        Op::Truncate { path } => {
            let how = Open::Truncate;
            story.disk.open(story.caller(), PATHS[path], how).result.unwrap();
            model.entry(PATHS[path]).or_default().clear();
        }
        Op::Rename { from, to } => {
            let renamed = story.disk.rename(story.caller(), PATHS[from], PATHS[to]);
            let content = model.remove(PATHS[from]);
            assert_eq!(renamed.result.is_ok(), content.is_some());
            content.and_then(|content| model.insert(PATHS[to], content));
        }
        Op::Remove { path } => {
            let removed = story.disk.remove(story.caller(), PATHS[path]);
            assert_eq!(removed.result.is_ok(), model.remove(PATHS[path]).is_some());
        }
        Op::Sync { path } => {
            if model.contains_key(PATHS[path]) {
                let file = story.open(PATHS[path]);
                story.sync(file).unwrap();
            }
        }
        Op::SyncDirs => {
            story.sync_dir("");
            story.sync_dir("wal");
        }
        Op::Kill => {
            story.disk.kill(story.now);
            story.process = story.disk.boot(story.now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn reads_see_what_a_map_of_vectors_says(
        seed: u64,
        ops in prop::collection::vec(op(), 0..60),
        end in prop::sample::select(vec![Keep::Nothing, Keep::Everything]),
    ) {
        let mut story = Story::new(seed);
        story.disk.create_dir(story.caller(), "wal").result.unwrap();
        story.sync_dir("");
        let mut model = Model::new();
        let mut durable = model.clone();
        for op in &ops {
            step(&mut story, &mut model, op);
            story.disk.check_invariants();
            if matches!(op, Op::SyncDirs) {
                // With every file synced as well, all that the model holds is durable.
                for path in model.keys() {
                    let file = story.open(path);
                    story.sync(file).unwrap();
                }
                durable = model.clone();
            }
            for path in PATHS {
                prop_assert_eq!(story.content(path), model.get(path).cloned());
            }
        }
        let all_durable = matches!(ops.last(), Some(Op::SyncDirs));
        story.lose_power(PowerLoss::clean(end));
        let expected = match end {
            Keep::Everything => Some(&model),
            _ if all_durable => Some(&durable),
            _ => None,
        };
        for path in PATHS {
            if let Some(expected) = expected {
                prop_assert_eq!(story.content(path), expected.get(path).cloned());
            }
        }
    }
}
