//! What is always true of a replay, asserted in builds with debug assertions.

use super::{ChoicePoint, Replay};

impl Replay<'_, '_> {
    /// A revision was applied, perhaps after others were taken back: checks what is cheap each time,
    /// and everything after 1, 2, 4, 8, … times.
    pub(super) fn applied(&mut self) {
        if cfg!(debug_assertions) {
            self.applied += 1;
            self.check_step();
            if self.applied.is_power_of_two() {
                self.check_invariants();
            }
        }
    }

    /// Asserts what is true of the store and of the last choice point.
    fn check_step(&self) {
        let (base, top, at) = (self.ops.base, self.top, self.store.revision());
        assert!(base < at && at <= top, "revision {at} outside {base}..={top}");
        let Some(own) = self.choice_points.len().checked_sub(1) else { return };
        let point = &self.choice_points[own];
        let hole = point.hole;
        assert!(hole <= at, "hole {hole} has a choice point, but the store stands at {at}");
        let before = own.checked_sub(1).map(|before| self.choice_points[before].hole);
        assert!(before < Some(hole), "hole {hole} comes after hole {before:?}");
        self.check_choice(own, point);
    }

    fn check_choice(&self, own: usize, point: &ChoicePoint) {
        let hole = point.hole;
        let tried = point.next.checked_sub(1).and_then(|last| point.pool.get(last)).copied();
        assert!(tried.is_some(), "no candidate of hole {hole} was tried");
        assert_eq!(point.chosen, tried, "what hole {hole} has chosen and the last that was tried");
        let user = point.chosen.and_then(|number| self.used[number as usize]);
        assert_eq!(user, Some(own), "who uses what hole {hole} has chosen, and its choice point");
        let last = point.conflicts.last().copied();
        assert!(last < Some(own), "choice point {own} is in conflict with {last:?}");
    }

    /// Asserts the invariants, choice point by choice point.
    pub(super) fn check_invariants(&self) {
        self.check_step();
        for (own, point) in self.choice_points.iter().enumerate() {
            self.check_choice(own, point);
            let answered = self.ops.mutator(point.hole);
            assert_eq!(answered, None, "who claims hole {}", point.hole);
        }
        for pair in self.choice_points.windows(2) {
            let (before, hole) = (pair[0].hole, pair[1].hole);
            assert!(before < hole, "hole {hole} comes after hole {before}");
        }
        let users = self.used.iter().flatten().count();
        assert_eq!(users, self.choice_points.len(), "writes used and choice points");
        let held: u64 = self.choice_points.iter().map(ChoicePoint::bytes).sum();
        assert_eq!(self.held, held, "bytes counted and bytes of the choice points");
        let mut bounds = self.called_by.windows(2);
        assert!(bounds.all(|pair| pair[0] <= pair[1]), "a later revision was called earlier");
        self.check_claims();
        self.check_demand();
    }

    fn check_claims(&self) {
        let reservations = &self.indeterminate.reservations;
        let chosen = self.choice_points.iter().map(|point| point.chosen);
        let claims = chosen.enumerate().filter_map(|(own, number)| {
            let writer = reservations.of(number?)?;
            Some((writer, own))
        });
        let claims: Vec<_> = claims.collect();
        assert_eq!(self.claims, claims, "claims kept and claims of the choice points");
    }

    fn check_demand(&self) {
        let Some(demand) = &self.demand else { return };
        let mut served = vec![0; demand.jobs.len()];
        for place in self.choice_points.iter().flat_map(|point| &point.fulfilled) {
            served[*place as usize] += 1;
        }
        for (job, served) in demand.jobs.iter().zip(served) {
            let done = job.need.count - job.left;
            assert_eq!(done, served, "what was done by {} and served", job.need.by);
        }
        let due = demand.jobs.windows(2).all(|pair| pair[0].need.by <= pair[1].need.by);
        assert!(due, "demands are out of order");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Demand, Input};
    use super::*;
    use crate::budget::Budget;
    use crate::history::{
        Header, History, Origin, PutRequest, PutResponse, Record, Request, Response,
    };
    use crate::linearizability::JudgedRange;
    use crate::linearizability::answer_evidence::AnswerEvidence;
    use crate::linearizability::followed::ambiguity::Writer;
    use crate::linearizability::indeterminate::IndeterminateWrites;
    use crate::linearizability::key_timeline::Need;
    use crate::linearizability::ops::Ops;
    use crate::linearizability::replay::demand::Job;
    use crate::model::Store;

    fn put(id: u64, key: &str, revision: Option<i64>) -> Record {
        let request = PutRequest { key: key.into(), value: "1".into(), ..PutRequest::default() };
        let record = Record::called(id, id, 1, id, Request::Put(request));
        let Some(revision) = revision else { return record };
        let header = Some(Header { revision, ..Header::default() });
        record.ok(100 + id, Response::Put(PutResponse { header, prev_kv: None }))
    }

    /// Revisions 2 and 5 are answered, 3 and 4 are holes, filled by puts without an answer.
    fn broken(change: impl FnOnce(&mut Replay<'_, '_>)) {
        let records = vec![
            put(1, "a", Some(2)),
            put(2, "b", None),
            put(3, "c", None),
            put(4, "d", None),
            put(5, "e", Some(5)),
        ];
        let history = History { origin: Origin::default(), records };
        let ops = Ops::new(&history, &[], &JudgedRange::whole(1)).expect("places");
        let indeterminate = IndeterminateWrites::new(&ops);
        let answer_evidence = AnswerEvidence::new(&ops, &indeterminate);
        let input = Input {
            ops: &ops,
            indeterminate: &indeterminate,
            answer_evidence: &answer_evidence,
            watch_evidence: None,
        };
        let budget = Budget { steps: 1_000, memory_bytes: u64::MAX };
        let mut replay = Replay::new(input, Store::default(), budget);
        assert!(replay.apply_answered(2).is_ok());
        for hole in [3, 4] {
            replay.open_choice_point(hole);
            assert!(replay.try_next().is_ok());
        }
        replay.check_invariants();
        change(&mut replay);
        replay.check_invariants();
    }

    #[test]
    fn the_answered_write_after_the_holes_breaks_nothing() {
        broken(|replay| assert!(replay.apply_answered(5).is_ok()));
    }

    #[test]
    #[should_panic(expected = "revision 1 outside 1..=5")]
    fn a_store_at_its_start_is_noticed() {
        broken(|replay| replay.store.undo_to(1));
    }

    #[test]
    #[should_panic(expected = "hole 4 has a choice point, but the store stands at 3")]
    fn a_store_that_lacks_a_hole_is_noticed() {
        broken(|replay| replay.store.undo_to(3));
    }

    #[test]
    #[should_panic(expected = "hole 3 comes after hole Some(4)")]
    fn choice_points_out_of_order_are_noticed() {
        broken(|replay| replay.choice_points.swap(0, 1));
    }

    #[test]
    #[should_panic(expected = "no candidate of hole 3 was tried")]
    fn a_choice_without_a_try_is_noticed() {
        broken(|replay| replay.choice_points[0].next = 0);
    }

    #[test]
    #[should_panic(expected = "what hole 4 has chosen and the last that was tried")]
    fn a_choice_that_was_not_tried_is_noticed() {
        broken(|replay| replay.choice_points[1].chosen = None);
    }

    #[test]
    #[should_panic(expected = "who uses what hole 3 has chosen")]
    fn a_choice_that_is_not_used_is_noticed() {
        broken(|replay| {
            let chosen = replay.choice_points[0].chosen.expect("a choice");
            replay.used[chosen as usize] = None;
        });
    }

    #[test]
    #[should_panic(expected = "choice point 0 is in conflict with Some(1)")]
    fn a_conflict_with_a_later_choice_is_noticed() {
        broken(|replay| {
            let point = &mut replay.choice_points[0];
            point.conflicts.insert(1);
        });
    }

    #[test]
    #[should_panic(expected = "who claims hole 2")]
    fn a_choice_where_an_answer_claims_the_revision_is_noticed() {
        broken(|replay| replay.choice_points[0].hole = 2);
    }

    #[test]
    #[should_panic(expected = "writes used and choice points")]
    fn a_write_that_is_used_without_a_choice_is_noticed() {
        broken(|replay| {
            let free = replay.used.iter().position(Option::is_none).expect("a third put");
            replay.used[free] = Some(1);
        });
    }

    #[test]
    #[should_panic(expected = "bytes counted and bytes of the choice points")]
    fn bytes_that_are_not_counted_are_noticed() {
        broken(|replay| replay.held += 1);
    }

    #[test]
    #[should_panic(expected = "a later revision was called earlier")]
    fn bounds_of_calls_out_of_order_are_noticed() {
        broken(|replay| replay.called_by[0] = u64::MAX);
    }

    #[test]
    #[should_panic(expected = "claims kept and claims of the choice points")]
    fn a_claim_without_a_choice_is_noticed() {
        broken(|replay| replay.claims.push((Writer::End(7), 0)));
    }

    fn demanding(by: [i64; 2], left: i64) -> Demand {
        let job = |by| {
            let need = Need { after: 1, by, count: 1 };
            Job { key: 0, deletion: false, need, left }
        };
        Demand { jobs: by.map(job).into(), of_key: Vec::new(), holes: vec![3, 4], in_time: vec![] }
    }

    #[test]
    #[should_panic(expected = "what was done by 3 and served")]
    fn a_demand_that_nothing_served_is_noticed() {
        broken(|replay| replay.demand = Some(demanding([3, 4], 0)));
    }

    #[test]
    #[should_panic(expected = "demands are out of order")]
    fn demands_out_of_order_are_noticed() {
        broken(|replay| replay.demand = Some(demanding([4, 3], 1)));
    }
}
