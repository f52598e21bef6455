//! Each planted bug of the core is seen by the tests that are meant to see it.

use std::cell::Cell;
use std::sync::Once;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::{paper, simulation, stories};
use crate::probe::{self, Fact, Hook};

thread_local! {
    /// The bug that is awake on this thread.
    static AWAKE: Cell<Option<&'static str>> = const { Cell::new(None) };
}

struct OneBug;

impl Hook for OneBug {
    fn probe(&self, _: &'static str) {}

    fn worked(&self, _: u64) {}

    fn fact(&self, _: Fact) {}

    fn planted(&self, bug: &'static str) -> bool {
        AWAKE.get() == Some(bug)
    }
}

/// Runs `body` with one bug awake.
fn with(bug: &'static str, body: impl FnOnce()) {
    static SET: Once = Once::new();
    SET.call_once(|| probe::set(Box::new(OneBug)));
    AWAKE.set(Some(bug));
    body();
    AWAKE.set(None);
}

/// Random runs until a promise is broken; returns what the watchman said.
fn first_failure(bug: &'static str) -> Option<String> {
    let mut failure = None;
    with(bug, || {
        let config = Config {
            cases: 1000,
            max_shrink_iters: 0,
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let outcome = runner.run(&simulation::story(), |story| {
            simulation::play(story);
            Ok(())
        });
        if let Err(TestError::Fail(reason, _)) = outcome {
            failure = Some(reason.message().to_owned());
        }
    });
    failure
}

fn assert_seen(bug: &'static str, words: &[&str]) {
    let said = first_failure(bug).unwrap_or_else(|| panic!("{bug} was not seen"));
    assert!(words.iter().any(|word| said.contains(word)), "{bug} was seen otherwise: {said}");
}

/// The story turns out otherwise with the bug, and as written without.
fn assert_story_changes(bug: &'static str, story: &str) {
    let mut is_same = true;
    with(bug, || is_same = stories::is_told_the_same(story));
    assert!(!is_same, "{story} is told the same with {bug}");
    assert!(stories::is_told_the_same(story), "{story} is told otherwise without {bug}");
}

#[test]
fn r2_a_leader_counts_itself_before_its_disk() {
    assert_story_changes("R2", "election_single_voter");
    assert_seen("R2", &["not on the disks of a quorum"]);
}

#[test]
fn r17_an_answer_confirms_a_later_read() {
    assert_story_changes("R17", "read_index_late_answer_confirms_no_later_attempt");
}

#[test]
fn c1_a_vote_is_forgotten() {
    assert_story_changes("C1", "restart_keeps_the_vote");
    let mut outcome = Ok(());
    with("C1", || outcome = std::panic::catch_unwind(paper::f2_a_vote_outlives_a_power_loss));
    assert!(outcome.is_err(), "two leaders of a term were not seen");
}

#[test]
fn c2_an_entry_of_an_older_term_is_committed_by_counting() {
    assert_story_changes("C2", "figure_8_older_term_is_not_committed_by_counting");
}

#[test]
fn c3_a_read_before_the_first_commit_of_the_term() {
    assert_story_changes("C3", "read_index_waits_for_the_terms_first_commit");
}

#[test]
fn c4_an_append_is_accepted_before_it_is_durable() {
    assert_seen("C4", &["not on the disks of a quorum"]);
}

#[test]
fn c6_an_append_is_taken_though_what_comes_before_differs() {
    assert_seen("C6", &["applies another", "broken", "agree at", "not on the disks", "but it was"]);
}

#[test]
fn c8_leadership_is_kept_without_a_quorum() {
    assert_story_changes("C8", "checkquorum_leader_steps_down");
}

#[test]
fn c9_a_returning_member_disturbs_the_cluster() {
    assert_story_changes("C9", "prevote_returning_member_does_not_disturb");
}
