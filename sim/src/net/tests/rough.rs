//! Kills, power losses, resets, cuts and closes in any order: the network stays in order.

use super::*;

/// What may happen to two hosts and the connections between them.
#[derive(Clone, Debug)]
enum Blow {
    Dial { from_a: bool },
    Accept { at_a: bool },
    Write { end: usize, len: usize },
    Read { end: usize, limit: usize },
    Shut { end: usize },
    Close { end: usize },
    Inject { id: u32, a_to_b: bool, fault: usize },
    Heal { id: u32 },
    Reset { id: u32, how: usize },
    Kill { a: bool },
    PowerOff { a: bool },
    Boot { a: bool },
    Pass { ms: u64 },
}

const FAULTS: [LinkFault; 6] = [
    LinkFault::Cut,
    LinkFault::Clog,
    LinkFault::Loss { ppm: MILLION / 2 },
    LinkFault::Slow(Latency::fixed(20_000 * MS)),
    LinkFault::HangConnect,
    LinkFault::RefuseConnect,
];
const RESETS: [Reset; 3] = [Reset::Both, Reset::HalfOpen, Reset::Silent];

fn blow() -> impl Strategy<Value = Blow> {
    let end = 0usize..12;
    prop_oneof![
        3 => any::<bool>().prop_map(|from_a| Blow::Dial { from_a }),
        3 => any::<bool>().prop_map(|at_a| Blow::Accept { at_a }),
        9 => (end.clone(), 1usize..400_000).prop_map(|(end, len)| Blow::Write { end, len }),
        9 => (end.clone(), 1usize..400_000).prop_map(|(end, limit)| Blow::Read { end, limit }),
        1 => end.clone().prop_map(|end| Blow::Shut { end }),
        2 => end.prop_map(|end| Blow::Close { end }),
        2 => (0u32..4, any::<bool>(), 0..FAULTS.len())
            .prop_map(|(id, a_to_b, fault)| Blow::Inject { id, a_to_b, fault }),
        2 => (0u32..4).prop_map(|id| Blow::Heal { id }),
        1 => (0u32..4, 0..RESETS.len()).prop_map(|(id, how)| Blow::Reset { id, how }),
        1 => any::<bool>().prop_map(|a| Blow::Kill { a }),
        1 => any::<bool>().prop_map(|a| Blow::PowerOff { a }),
        2 => any::<bool>().prop_map(|a| Blow::Boot { a }),
        6 => (1u64..8_000).prop_map(|ms| Blow::Pass { ms }),
    ]
}

/// Two hosts, and the ends that their applications hold.
struct Ring {
    story: Story,
    ends: Vec<EndId>,
    incarnations: [u64; 2],
}

impl Ring {
    fn process(&self, a: bool) -> Process {
        if a { process(A, self.incarnations[0]) } else { process(B, self.incarnations[1]) }
    }

    /// The end that this number means now; closed ends are ends too.
    fn end(&self, number: usize) -> EndId {
        self.ends[number % self.ends.len()]
    }

    fn strike(&mut self, blow: &Blow) {
        let now = self.story.now;
        let side = |a: bool| if a { A } else { B };
        match *blow {
            Blow::Dial { from_a } => {
                let (by, to) = (self.process(from_a), side(!from_a));
                let net = &mut self.story.net;
                if let Ok(Syn::Travels(_)) = net.dial(now, by, to)
                    && let Ok(Answer::Accepted(end, _)) = net.answer(now, by, to, 2380)
                {
                    self.ends.push(end);
                }
            }
            Blow::Accept { at_a } => {
                let by = self.process(at_a);
                let accepted = self.story.net.accept(by, 2380, Waker::noop());
                if let Poll::Ready(Ok((end, _))) = accepted {
                    self.ends.push(end);
                }
            }
            Blow::Write { end, len } => {
                self.story.write(self.end(end), &vec![7; len]);
            }
            Blow::Read { end, limit } => {
                self.story.net.read(now, self.end(end), limit, Waker::noop());
            }
            Blow::Shut { end } => self.story.net.shut(now, self.end(end)),
            Blow::Close { end } => self.story.net.close(now, self.end(end)),
            Blow::Inject { id, a_to_b, fault } => {
                let (from, to) = (side(a_to_b), side(!a_to_b));
                self.story.net.inject(now, FaultId(id), from, to, FAULTS[fault]);
            }
            Blow::Heal { id } => self.story.net.heal(now, FaultId(id)),
            Blow::Reset { id, how } => {
                self.story.net.reset(now, FaultId(id), A, B, RESETS[how]);
            }
            Blow::Kill { a } => self.story.net.kill(now, side(a)),
            Blow::PowerOff { a } => self.story.net.power_off(now, side(a)),
            Blow::Boot { a } => {
                self.incarnations[usize::from(!a)] = self.story.net.boot(now, side(a));
                let by = self.process(a);
                drop(self.story.net.listen(now, by, 2380));
            }
            Blow::Pass { ms } => self.story.now += ms * MS,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rough_treatment_leaves_the_network_in_order(
        seed: u64,
        blows in prop::collection::vec(blow(), 0..120),
    ) {
        let story = Story::new(seed);
        let ends = vec![story.a, story.b];
        let mut ring = Ring { story, ends, incarnations: [1, 1] };
        for blow in &blows {
            ring.strike(blow);
            ring.story.net.check_invariants();
        }
    }
}
