//! Calls and returns in the order of time, out of which operations are taken and put back.

use crate::model::Call;

/// No entry.
pub(crate) const END: u32 = u32::MAX;

/// The call or the return of an operation.
#[derive(Clone, Copy)]
struct Entry {
    op: u32,
    /// For a call: its return's entry, END if it has none. For a return: END.
    back: u32,
    before: u32,
    after: u32,
    is_call: bool,
}

/// A list in which each entry knows its neighbours. The first entry is a sentinel.
pub(crate) struct List(Vec<Entry>);

/// What one operation takes at most, in bytes, while a list is made of it.
pub(crate) const BYTES: usize = 2 * (size_of::<Entry>() + size_of::<Event>()) + size_of::<u32>();

/// A time, whether it is a return, and whose.
type Event = (u64, bool, u32);

impl List {
    /// Of all calls. At equal times calls come first, since such operations overlap.
    pub(crate) fn new<Op>(calls: &[Call<Op>]) -> Self {
        let mut events: Vec<Event> = Vec::with_capacity(calls.len() * 2);
        for (op, call) in calls.iter().enumerate() {
            events.push((call.call, false, op as u32));
            events.extend(call.returned.map(|returned| (returned.max(call.call), true, op as u32)));
        }
        events.sort_unstable();
        let mut list = Vec::with_capacity(events.len() + 1);
        list.push(Entry { op: END, back: END, before: END, after: END, is_call: false });
        let mut call_entry = vec![0; calls.len()];
        for (_, is_return, op) in events {
            let own = list.len() as u32;
            if is_return {
                let call: u32 = call_entry[op as usize];
                list[call as usize].back = own;
            } else {
                call_entry[op as usize] = own;
            }
            list[own as usize - 1].after = own;
            list.push(Entry { op, back: END, before: own - 1, after: END, is_call: !is_return });
        }
        List(list)
    }

    /// The first operation that may come next: its entry.
    pub(crate) fn first(&self) -> Option<u32> {
        self.call(self.0[0].after)
    }

    /// The next one.
    pub(crate) fn next(&self, entry: u32) -> Option<u32> {
        self.call(self.0[entry as usize].after)
    }

    /// Behind the first return nothing may come next.
    fn call(&self, entry: u32) -> Option<u32> {
        (entry != END && self.0[entry as usize].is_call).then_some(entry)
    }

    /// The operation of an entry.
    pub(crate) fn op(&self, entry: u32) -> usize {
        self.0[entry as usize].op as usize
    }

    /// The entry of the return; later ones are greater, and END is the greatest.
    pub(crate) fn back(&self, entry: u32) -> u32 {
        self.0[entry as usize].back
    }

    /// Takes a call and its return out.
    pub(crate) fn lift(&mut self, entry: u32) {
        self.unlink(entry);
        if self.back(entry) != END {
            self.unlink(self.back(entry));
        }
    }

    /// Puts them back; the last taken out first.
    pub(crate) fn unlift(&mut self, entry: u32) {
        if self.back(entry) != END {
            self.relink(self.back(entry));
        }
        self.relink(entry);
    }

    fn unlink(&mut self, entry: u32) {
        let Entry { before, after, .. } = self.0[entry as usize];
        self.0[before as usize].after = after;
        if after != END {
            self.0[after as usize].before = before;
        }
    }

    fn relink(&mut self, entry: u32) {
        let Entry { before, after, .. } = self.0[entry as usize];
        self.0[before as usize].after = entry;
        if after != END {
            self.0[after as usize].before = entry;
        }
    }
}
