//! The one table of guarantees: everything that a verdict can be about.

use crate::header::HEADER;
use crate::lease::LEASE;
use crate::refusal::REFUSAL;
use crate::serializable::SERIALIZABLE;
use crate::session::SESSION;
use crate::verdict::{ASSUMPTIONS, Guarantee, LINEARIZABILITY};
use crate::watch::PROMISES;

/// The guarantees that do not concern watches, in the order of a report.
const OF_OPERATIONS: [Guarantee; 7] = [
    Guarantee {
        name: ASSUMPTIONS,
        question: "ids are unique, processes are sequential, answers fit their requests, and something \
                   was answered",
        needs_order: false,
        survives_inferred_start: true,
    },
    Guarantee {
        name: HEADER,
        question: "one cluster id, one id per member, terms of a member that never go back",
        needs_order: false,
        survives_inferred_start: true,
    },
    Guarantee {
        name: REFUSAL,
        question: "what etcd must refuse is refused with etcd's code and text, and what is refused earns \
                   it (`--max-txn-ops`, `--max-request-bytes`, `--believe`)",
        needs_order: false,
        survives_inferred_start: true,
    },
    Guarantee {
        name: LINEARIZABILITY,
        question: "one order of all operations on the whole key space, in agreement with real time, \
                   that gives every field of every answer; writes of unknown outcome are placed where \
                   answers and watches prove them; compactions and definite errors have a moment that \
                   explains them",
        needs_order: false,
        survives_inferred_start: false,
    },
    Guarantee {
        name: LEASE,
        question: "nothing is done with a lease before its grant or after its end; it does not expire \
                   before the time to live that was answered is over, counted from the last renewal \
                   (`--lease-tolerance-ms`); refusals have a reason; what is said of it is so; when \
                   the recording says that it waited, a lease that nobody renews is gone",
        needs_order: false,
        survives_inferred_start: false,
    },
    Guarantee {
        name: SERIALIZABLE,
        question: "a member's own answer is what the store held at the revision it names",
        needs_order: true,
        survives_inferred_start: false,
    },
    Guarantee {
        name: SESSION,
        question: "on one connection, which is to one life of one member, no serializable read is older \
                   than what was answered there before (`connection` must be recorded)",
        needs_order: false,
        survives_inferred_start: true,
    },
];

/// How many there are.
const COUNT: usize = OF_OPERATIONS.len() + PROMISES.len();

/// Every guarantee, those of watches last.
pub const GUARANTEES: [Guarantee; COUNT] = {
    let mut all = [OF_OPERATIONS[0]; COUNT];
    let mut place = 0;
    while place < COUNT {
        all[place] = if place < OF_OPERATIONS.len() {
            OF_OPERATIONS[place]
        } else {
            PROMISES[place - OF_OPERATIONS.len()].guarantee
        };
        place += 1;
    }
    all
};

/// Every name that a verdict can carry.
pub const CHECKERS: [&str; COUNT] = {
    let mut names = [""; COUNT];
    let mut place = 0;
    while place < COUNT {
        names[place] = GUARANTEES[place].name;
        place += 1;
    }
    names
};

/// The guarantee of a name.
pub(crate) fn named(name: &str) -> &'static Guarantee {
    let found = GUARANTEES.iter().find(|guarantee| guarantee.name == name);
    found.expect("every check bears the name of a guarantee")
}
