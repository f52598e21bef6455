//! The network core: a few stories, and random ones against the promise of TCP.

mod rough;

use std::io::ErrorKind;
use std::task::{Poll, Waker};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::member::Member;
use crate::stream::{Latency, MILLION};
use crate::trace::Keep;

const A: Host = Host::Member(Member::new(1));
const B: Host = Host::Member(Member::new(2));
const CUT: FaultId = FaultId(1);
const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

fn process(host: Host, incarnation: u64) -> Process {
    Process { host, incarnation }
}

/// Two hosts and a connection between them.
pub(super) struct Story {
    pub(super) net: Network,
    now: u64,
    pub(super) a: EndId,
    b: EndId,
}

impl Story {
    pub(super) fn new(seed: u64) -> Story {
        let config = NetConfig { latency: Latency::uniform(MS, MS), ..NetConfig::default() };
        let trace = Trace::new(Keep::Nothing);
        let mut net = Network::new(Streams::new(seed), config, trace);
        net.boot(0, A);
        net.boot(0, B);
        net.listen(0, process(B, 1), 2380).unwrap();
        let Ok(Syn::Travels(there)) = net.dial(0, process(A, 1), B) else { panic!("no cut yet") };
        let Ok(Answer::Accepted(a, back)) = net.answer(there, process(A, 1), B, 2380) else {
            panic!("someone listens")
        };
        let Poll::Ready(Ok((b, from))) = net.accept(process(B, 1), 2380, Waker::noop()) else {
            panic!("someone waits")
        };
        assert_eq!(from.ip(), A.ip());
        Story { net, now: there + back, a, b }
    }

    pub(super) fn write(&mut self, end: EndId, bytes: &[u8]) -> Write {
        self.net.write(self.now, end, bytes, Waker::noop())
    }

    fn read(&mut self, end: EndId) -> Read {
        self.net.read(self.now, end, 1 << 20, Waker::noop())
    }

    /// Reads at `end` whatever comes within `for_ns`.
    fn gather(&mut self, end: EndId, for_ns: u64) -> (Vec<u8>, Read) {
        let until = self.now + for_ns;
        let mut bytes = Vec::new();
        loop {
            match self.read(end) {
                Read::Bytes(more) => bytes.extend_from_slice(&more),
                Read::Wait(Some(at)) if at <= until => self.now = at.max(self.now + 1),
                last => {
                    self.now = until;
                    return (bytes, last);
                }
            }
        }
    }
}

#[test]
fn bytes_take_the_links_latency() {
    let mut story = Story::new(1);
    let start = story.now;
    assert_eq!(story.write(story.a, b"hello"), Write::Taken(5));
    let Read::Wait(Some(at)) = story.read(story.b) else { panic!("too early") };
    assert!((start + MS..=start + 2 * MS).contains(&at));
    story.now = at;
    assert_eq!(story.read(story.b), Read::Bytes(Bytes::from_static(b"hello")));
    assert_eq!(story.read(story.b), Read::Wait(None));
}

#[test]
fn a_full_window_holds_the_writer_until_the_reader_reads() {
    let mut story = Story::new(1);
    let window = story.net.config().window;
    assert_eq!(story.write(story.a, &vec![7; window + 10]), Write::Taken(window));
    assert_eq!(story.write(story.a, b"more"), Write::Wait(None));
    assert_eq!(story.gather(story.b, 10 * MS).0.len(), window);
    assert_eq!(story.write(story.a, b"more"), Write::Taken(4));
}

#[test]
fn a_cut_holds_bytes_and_a_fin_until_the_next_retransmission() {
    let mut story = Story::new(1);
    story.write(story.a, b"under way ");
    story.net.inject(story.now, CUT, A, B, LinkFault::Cut);
    story.write(story.a, b"held");
    let a = story.a;
    story.net.shut(story.now, a);
    assert_eq!(story.gather(story.b, S), (Vec::new(), Read::Wait(None)));
    let healed = story.now;
    story.net.heal(healed, CUT);
    let Read::Wait(Some(at)) = story.read(story.b) else { panic!("nothing is under way") };
    // Lost at 0, sent again at 200, 600 and 1400 ms.
    assert!(at > healed + 390 * MS && at < healed + 410 * MS, "{}", at - healed);
    assert_eq!(story.gather(story.b, S), (b"under way held".to_vec(), Read::End));
    assert_eq!(story.net.effect(CUT).bytes_held, 14);
}

#[test]
fn a_clog_lets_everything_flow_at_once() {
    let mut story = Story::new(1);
    story.net.inject(story.now, CUT, A, B, LinkFault::Clog);
    story.write(story.a, b"held");
    story.now += 300 * MS;
    story.net.heal(story.now, CUT);
    assert_eq!(story.gather(story.b, 3 * MS).0, b"held");
}

#[test]
fn one_way_cuts_leave_the_other_way_open() {
    let mut story = Story::new(1);
    story.net.inject(story.now, CUT, A, B, LinkFault::Cut);
    story.write(story.b, b"to a");
    story.write(story.a, b"to b");
    assert_eq!(story.gather(story.a, 10 * MS).0, b"to a");
    assert_eq!(story.gather(story.b, 10 * MS).0, b"");
    // Both ends wait for acknowledgements that never come.
    for end in [story.a, story.b] {
        story.now += 16 * S;
        assert_eq!(story.read(end), Read::Failed(ErrorKind::TimedOut));
    }
    assert_eq!(story.net.effect(CUT).connections_timed_out, 2);
}

#[test]
fn a_killed_process_resets_its_connections() {
    let mut story = Story::new(1);
    story.net.kill(story.now, A);
    assert_eq!(story.gather(story.b, 10 * MS).1, Read::Failed(ErrorKind::ConnectionReset));
    assert!(matches!(story.read(story.a), Read::Failed(_)));
    for end in [story.a, story.b] {
        story.net.close(story.now, end);
    }
    assert_eq!(story.net.connections(), 0);
    assert!(story.net.dial(story.now, process(A, 1), B).is_err(), "a dead process dials no more");
    assert!(story.net.listen(story.now, process(A, 1), 1).is_err());
    assert_eq!(story.net.boot(story.now, A), 2);
    assert!(story.net.listen(story.now, process(A, 1), 1).is_err(), "nor does its ghost");
    assert!(story.net.listen(story.now, process(A, 2), 1).is_ok());
}

#[test]
fn a_machine_without_power_is_silent_until_it_is_back() {
    let mut story = Story::new(1);
    story.net.power_off(story.now, B);
    story.write(story.a, b"anyone?");
    assert!(matches!(story.gather(story.a, 5 * S).1, Read::Wait(Some(_))));
    assert_eq!(story.net.dial(story.now, process(A, 1), B).unwrap(), Syn::Vanishes);
    story.net.boot(story.now, B);
    assert_eq!(story.gather(story.a, 5 * S).1, Read::Failed(ErrorKind::ConnectionReset));
    let refused = story.net.answer(story.now, process(A, 1), B, 2380).unwrap();
    assert!(matches!(refused, Answer::Refused(_)), "no one listens after a boot");
}

#[test]
fn a_reset_into_a_cut_is_lost() {
    let mut story = Story::new(1);
    story.net.inject(story.now, CUT, A, B, LinkFault::Cut);
    story.net.kill(story.now, A);
    assert_eq!(story.gather(story.b, 60 * S).1, Read::Wait(None));
    story.net.heal(story.now, CUT);
    story.write(story.b, b"still there?");
    assert_eq!(story.gather(story.b, S).1, Read::Failed(ErrorKind::ConnectionReset));
}

#[test]
fn connections_are_reset_in_three_ways() {
    let fault = FaultId(9);
    let mut both = Story::new(1);
    assert_eq!(both.net.reset(both.now, fault, A, B, Reset::Both), 1);
    assert!(matches!(both.read(both.a), Read::Failed(ErrorKind::ConnectionReset)));
    assert!(matches!(both.read(both.b), Read::Failed(ErrorKind::ConnectionReset)));

    let mut half = Story::new(1);
    half.net.reset(half.now, fault, A, B, Reset::HalfOpen);
    assert!(matches!(half.read(half.a), Read::Failed(ErrorKind::ConnectionReset)));
    assert_eq!(half.gather(half.b, 60 * S).1, Read::Wait(None), "b does not know");
    half.write(half.b, b"?");
    assert_eq!(half.gather(half.b, S).1, Read::Failed(ErrorKind::ConnectionReset));

    let mut silent = Story::new(1);
    silent.net.reset(silent.now, fault, A, B, Reset::Silent);
    silent.write(silent.a, b"?");
    assert_eq!(silent.gather(silent.b, 60 * S), (Vec::new(), Read::Wait(None)));
    assert_eq!(silent.read(silent.a), Read::Failed(ErrorKind::TimedOut));
    assert_eq!(silent.net.effect(fault).bytes_held, 1);
}

#[test]
fn a_host_that_does_not_read_leaves_bytes_in_its_socket() {
    let mut story = Story::new(1);
    let window = story.net.config().window;
    story.net.inject(story.now, FaultId(1), A, B, LinkFault::Unread);
    assert_eq!(story.write(story.a, &vec![7; window]), Write::Taken(window));
    assert_eq!(story.gather(story.b, S), (Vec::new(), Read::Wait(None)), "nothing is read");
    assert_eq!(story.write(story.a, b"more"), Write::Wait(None), "the socket is full");
    assert_eq!(story.write(story.b, b"back"), Write::Taken(4), "the other way is open");
    assert!(story.net.effect(FaultId(1)).reads_refused > 0);
    story.net.heal(story.now, FaultId(1));
    assert_eq!(story.gather(story.b, S).0.len(), window);
}

#[test]
fn a_write_goes_out_in_segments_and_a_killed_process_may_lose_the_last_of_them() {
    let bytes: Vec<u8> = (0..200).collect();
    let mut cut_inside = 0;
    for seed in 0..40 {
        let mut story = Story::new(seed);
        story.net.config.segment = 16;
        story.net.config.tail_lost_ppm = MILLION;
        let mut sent = 0;
        while sent < bytes.len() {
            let Write::Taken(taken) = story.write(story.a, &bytes[sent..]) else { panic!("room") };
            assert!((1..=16).contains(&taken));
            sent += taken;
        }
        story.net.kill(story.now, A);
        story.net.check_invariants();
        let (left, end) = story.gather(story.b, S);
        assert_eq!(left, bytes[..left.len()], "what is left is a beginning");
        assert_eq!(end, Read::Failed(ErrorKind::ConnectionReset));
        cut_inside += u32::from(left.len() % 16 != 0);
    }
    assert!(cut_inside > 20, "{cut_inside} of 40 break inside a segment");
}

#[test]
fn dials_are_refused_or_hang_as_faults_say() {
    let mut story = Story::new(1);
    story.net.inject(story.now, FaultId(1), A, B, LinkFault::RefuseConnect);
    let refused = story.net.answer(story.now, process(A, 1), B, 2380).unwrap();
    assert!(matches!(refused, Answer::Refused(_)));
    story.net.heal(story.now, FaultId(1));
    story.net.inject(story.now, FaultId(2), A, B, LinkFault::HangConnect);
    assert_eq!(story.net.dial(story.now, process(A, 1), B).unwrap(), Syn::Vanishes);
    assert_eq!(story.net.effect(FaultId(1)).dials_refused, 1);
    assert_eq!(story.net.effect(FaultId(2)).dials_hung, 1);
    assert_eq!(story.write(story.a, b"x"), Write::Taken(1), "what is connected stays so");
}

#[test]
fn slow_lossy_and_narrow_links_count_what_they_did() {
    let slow = LinkFault::Slow(Latency::fixed(100 * MS));
    for (fault, least_ns) in [
        (slow, 100 * MS),
        (LinkFault::Loss { ppm: MILLION / 5 }, MS),
        (LinkFault::Bandwidth { bytes_per_s: 10_000 }, 100 * MS),
    ] {
        let mut story = Story::new(1);
        let start = story.now;
        story.net.inject(start, CUT, A, B, fault);
        for _ in 0..20 {
            story.write(story.a, &[0; 100]);
        }
        let Read::Wait(Some(at)) = story.net.read(start, story.b, 1, Waker::noop()) else {
            panic!("too early")
        };
        assert!(at >= start + least_ns || matches!(fault, LinkFault::Bandwidth { .. }));
        assert_eq!(story.gather(story.b, 30 * S).0.len(), 2_000, "{fault:?}");
        let effect = story.net.effect(CUT);
        assert!(effect.delay_ns > 0, "{fault:?} {effect:?}");
    }
}

#[test]
fn corruption_flips_one_bit() {
    let mut story = Story::new(1);
    story.net.inject(story.now, CUT, A, B, LinkFault::Corrupt { ppm: MILLION });
    story.write(story.a, &[0; 64]);
    let (bytes, _) = story.gather(story.b, 10 * MS);
    assert_eq!(bytes.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    assert_eq!(story.net.effect(CUT).bits_flipped, 1);
}

#[test]
fn peer_messages_are_copied_and_overtaken() {
    let mut story = Story::new(1);
    let message = |n: u8| Bytes::copy_from_slice(&[n]);
    assert_eq!(story.net.peer_message(A, B, message(1)), [message(1)]);
    story.net.inject(story.now, CUT, A, B, LinkFault::Duplicate { ppm: MILLION });
    assert_eq!(story.net.peer_message(A, B, message(2)), [message(2), message(2)]);
    story.net.heal(story.now, CUT);
    story.net.inject(story.now, CUT, A, B, LinkFault::Reorder { ppm: MILLION });
    assert!(story.net.peer_message(A, B, message(3)).is_empty());
    assert_eq!(story.net.peer_message(A, B, message(4)), [message(4), message(3)]);
    let effect = story.net.effect(CUT);
    assert_eq!((effect.messages_duplicated, effect.messages_reordered), (1, 1));
}

#[test]
fn a_fault_elsewhere_changes_no_latency_here() {
    let arrivals = |with_fault: bool| {
        let mut story = Story::new(3);
        if with_fault {
            let slow = LinkFault::Slow(Latency::uniform(MS, 50 * MS));
            story.net.inject(story.now, CUT, B, A, slow);
            story.net.inject(story.now, FaultId(2), A, B, LinkFault::Corrupt { ppm: 500_000 });
        }
        (0..50u64)
            .map(|round| {
                story.now += 10 * MS;
                story.write(story.b, b"other way");
                story.write(story.a, b"this way");
                let Read::Wait(Some(at)) = story.read(story.b) else { panic!("round {round}") };
                story.gather(story.b, 5 * MS);
                at
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(arrivals(false), arrivals(true));
}

/// What may happen to a connection without breaking it.
#[derive(Clone, Debug)]
enum Event {
    Write { from_a: bool, len: usize },
    Read { at_a: bool, limit: usize },
    Cut { id: u32, a_to_b: bool, clog: bool },
    Heal { id: u32 },
    Slow { id: u32, a_to_b: bool },
    Pass { ms: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (any::<bool>(), 1usize..5_000).prop_map(|(from_a, len)| Event::Write { from_a, len }),
        4 => (any::<bool>(), 1usize..9_000).prop_map(|(at_a, limit)| Event::Read { at_a, limit }),
        1 => (0u32..4, any::<bool>(), any::<bool>())
            .prop_map(|(id, a_to_b, clog)| Event::Cut { id, a_to_b, clog }),
        2 => (0u32..4).prop_map(|id| Event::Heal { id }),
        1 => (0u32..4, any::<bool>()).prop_map(|(id, a_to_b)| Event::Slow { id, a_to_b }),
        4 => (1u64..150).prop_map(|ms| Event::Pass { ms }),
    ]
}

/// Bytes that tell their place in the stream.
fn tape(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(|at| (at * 31 + at / 256) as u8).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_byte_arrives_once_and_in_order(
        seed: u64,
        events in prop::collection::vec(event(), 0..80),
    ) {
        let mut story = Story::new(seed);
        let mut sent = [0usize; 2];
        let mut received = [Vec::new(), Vec::new()];
        for event in events {
            let now = story.now;
            match event {
                Event::Write { from_a, len } => {
                    let (end, side) = if from_a { (story.a, 0) } else { (story.b, 1) };
                    if let Write::Taken(len) = story.write(end, &tape(sent[side], len)) {
                        sent[side] += len;
                    }
                }
                Event::Read { at_a, limit } => {
                    let (end, side) = if at_a { (story.a, 1) } else { (story.b, 0) };
                    match story.net.read(now, end, limit, Waker::noop()) {
                        Read::Bytes(bytes) => received[side].extend_from_slice(&bytes),
                        Read::Wait(_) => {}
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
                Event::Cut { id, a_to_b, clog } => {
                    let (from, to) = if a_to_b { (A, B) } else { (B, A) };
                    let fault = if clog { LinkFault::Clog } else { LinkFault::Cut };
                    story.net.inject(now, FaultId(id), from, to, fault);
                }
                Event::Slow { id, a_to_b } => {
                    let (from, to) = if a_to_b { (A, B) } else { (B, A) };
                    let slow = LinkFault::Slow(Latency::uniform(MS, 80 * MS));
                    story.net.inject(now, FaultId(id), from, to, slow);
                }
                Event::Heal { id } => story.net.heal(now, FaultId(id)),
                Event::Pass { ms } => story.now += ms * MS,
            }
            story.net.check_invariants();
        }
        (0..4).for_each(|id| story.net.heal(story.now, FaultId(id)));
        let ends = [story.b, story.a];
        for (side, end) in ends.into_iter().enumerate() {
            story.net.shut(story.now, end.peer());
            let (rest, last) = story.gather(end, 60 * S);
            received[side].extend_from_slice(&rest);
            prop_assert_eq!(last, Read::End);
            prop_assert_eq!(&received[side], &tape(0, sent[side]));
        }
        for end in ends {
            story.net.close(story.now, end);
        }
        prop_assert_eq!(story.net.connections(), 0);
    }
}
