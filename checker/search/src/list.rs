//! Calls and returns in the order of time; the search lifts operations out of this list and puts
//! them back.

use crate::model::Call;

/// The number that stands for no entry.
pub(crate) const END: u32 = u32::MAX;

/// The call or the return of an operation.
#[derive(Clone, Copy)]
struct Entry {
    op: u32,
    /// For a call: the entry of its return, or END. For a return: END.
    back: u32,
    before: u32,
    after: u32,
    is_call: bool,
}

/// A doubly linked list of entries. The first entry is a sentinel.
pub(crate) struct List(Vec<Entry>);

/// The most bytes that one operation takes while a list is built.
pub(crate) const BYTES: usize = 2 * (size_of::<Entry>() + size_of::<Event>()) + size_of::<u32>();

/// A time, whether it is a return, and the operation.
type Event = (u64, bool, u32);

impl List {
    /// The list of all calls. At equal times calls come first, since such operations overlap.
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

    /// The entry of the first candidate.
    pub(crate) fn first(&self) -> Option<u32> {
        self.call(self.0[0].after)
    }

    /// The entry of the next candidate.
    pub(crate) fn next(&self, entry: u32) -> Option<u32> {
        self.call(self.0[entry as usize].after)
    }

    /// No operation called after the first return is a candidate.
    fn call(&self, entry: u32) -> Option<u32> {
        (entry != END && self.0[entry as usize].is_call).then_some(entry)
    }

    /// The operation that an entry belongs to.
    pub(crate) fn op(&self, entry: u32) -> usize {
        self.0[entry as usize].op as usize
    }

    /// The entry of an operation's return. Later returns have greater entries, and END is the
    /// greatest.
    pub(crate) fn back(&self, entry: u32) -> u32 {
        self.0[entry as usize].back
    }

    /// Takes a call and its return out of the list.
    pub(crate) fn lift(&mut self, entry: u32) {
        self.unlink(entry);
        if self.back(entry) != END {
            self.unlink(self.back(entry));
        }
    }

    /// Puts a call and its return back; the last operation lifted must be the first put back.
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
