//! Strings that many clients append to and read, as porcupine's key-value logs have them.

use mettle_check::import::Logged;
use mettle_search::Call;
use mettle_search::append::{AppendOp, Seen, Text};

use crate::world::Dice;

/// Back-to-back clients on ten keys: half appends, a few puts, else reads. With `stale`, one read of
/// one key misses appends that returned before it was called.
pub(crate) fn strings(
    clients: u64,
    each: u64,
    (puts, stale): (u64, bool),
) -> Vec<(String, Logged<AppendOp>)> {
    let mut dice = Dice::new(5);
    let mut plan = Vec::new();
    for client in 0..clients {
        let mut now = dice.below(10);
        for number in 0..each {
            let apply = now + dice.below(20);
            let returned = apply + dice.below(20);
            plan.push((apply, now, returned, client, number));
            now = returned + 1;
        }
    }
    plan.sort_unstable();
    let mut texts = vec![String::new(); 10];
    let mut all = Vec::new();
    let damaged = plan.len() as u64 * 3 / 4;
    let mut damage = stale;
    for (line, (_, call, returned, client, number)) in (1..).zip(plan) {
        let key = dice.below(10);
        let text = &mut texts[key as usize];
        let value = format!("x {client} {number} y");
        let op = if dice.chance(50) {
            text.push_str(&value);
            AppendOp::Append(Text::of(&value))
        } else if dice.chance(puts) {
            text.clone_from(&value);
            AppendOp::Put(Text::of(&value))
        } else if damage && line > damaged && key == 7 && text.len() > 40 {
            damage = false;
            AppendOp::Get(Seen::of(text[..text.len() / 2].rsplit_once('x').expect("long").0))
        } else {
            AppendOp::Get(Seen::of(text))
        };
        let call = Call { op, call, returned: Some(returned) };
        all.push((key.to_string(), Logged { line, process: 0, call, text: None }));
    }
    all
}
