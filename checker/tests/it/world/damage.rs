//! Small random damage to a history: it may stay legal, it may not.

use mettle_checker::history::{Blob, Header, History, KeyValue, Outcome, Record, Response};

use super::Dice;

/// Changes one thing somewhere; false if there was nothing to change.
pub(crate) fn damage(history: &mut History, dice: &mut Dice) -> bool {
    let count = history.records.len() as u64;
    let place = dice.below(count) as usize;
    let other = dice.below(count) as usize;
    match dice.below(8) {
        0 => {
            history.records.remove(place);
            true
        }
        1 => squeeze(&mut history.records[place], dice),
        2 => delay(history, place, dice),
        3 if place != other => swap_answers(history, place, other),
        4 => forget(&mut history.records[place]),
        _ => field(&mut history.records[place], dice),
    }
}

/// The interval gets shorter.
fn squeeze(record: &mut Record, dice: &mut Dice) -> bool {
    let Some(return_ns) = record.return_ns else { return false };
    let width = return_ns - record.call_ns;
    let cut = dice.below(width + 1);
    if dice.chance(50) {
        record.call_ns += cut;
    } else {
        record.return_ns = Some(return_ns - cut);
    }
    cut > 0
}

/// Everything from here on of the same process happens later.
fn delay(history: &mut History, place: usize, dice: &mut Dice) -> bool {
    let (process, from) = (history.records[place].process, history.records[place].call_ns);
    let by = 1 + dice.below(60);
    for record in &mut history.records {
        if record.process == process && record.call_ns >= from {
            record.call_ns += by;
            record.return_ns = record.return_ns.map(|at| at + by);
        }
    }
    true
}

/// Two operations of one kind get each other's answers.
fn swap_answers(history: &mut History, a: usize, b: usize) -> bool {
    let same = history.records[a].request.op() == history.records[b].request.op()
        && history.records[a].outcome == history.records[b].outcome;
    if same {
        let answer = history.records[a].response.take();
        history.records[a].response = history.records[b].response.take();
        history.records[b].response = answer;
    }
    same
}

/// The outcome becomes unknown, and the process goes on under another name.
fn forget(record: &mut Record) -> bool {
    if record.outcome != Outcome::Ok {
        return false;
    }
    record.outcome = Outcome::Unknown;
    record.return_ns = None;
    record.response = None;
    record.process += 1_000 + record.id;
    true
}

fn field(record: &mut Record, dice: &mut Dice) -> bool {
    let off = if dice.chance(50) { 1 } else { -1 };
    let kv = |kv: &mut KeyValue, dice: &mut Dice| match dice.below(4) {
        0 => kv.version += off,
        1 => kv.create_revision += off,
        2 => kv.mod_revision += off,
        _ => kv.value = Blob::from(format!("v{}", 1 + dice.below(3))),
    };
    let bump = |header: &mut Option<Header>| {
        if let Some(header) = header {
            header.revision += off;
        }
    };
    match &mut record.response {
        Some(Response::Range(range)) => match dice.below(4) {
            0 => bump(&mut range.header),
            1 => range.count += off,
            2 => drop(range.kvs.pop()),
            _ => match range.kvs.first_mut() {
                Some(first) => kv(first, dice),
                None => range.more = !range.more,
            },
        },
        Some(Response::Put(put)) => match &mut put.prev_kv {
            Some(before) if dice.chance(60) => kv(before, dice),
            _ => bump(&mut put.header),
        },
        Some(Response::DeleteRange(delete)) => {
            if dice.chance(50) {
                delete.deleted += off;
            } else {
                bump(&mut delete.header);
            }
        }
        Some(Response::Txn(txn)) => {
            if dice.chance(50) {
                txn.succeeded = !txn.succeeded;
            } else {
                bump(&mut txn.header);
            }
        }
        _ => return false,
    }
    true
}
