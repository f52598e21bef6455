//! One direction between two hosts: how long a segment travels.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::fault::{Injected, LinkFault, NetEffect};
use crate::stream::{FaultId, Latency, Stream};

/// How bytes that were held flow again after the healing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// At the sender's next retransmission timeout.
    UntilRetransmitted,
    /// At once.
    UntilHealed,
}

/// The network's settings, the same for all links unless a fault says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetConfig {
    /// One way, between two hosts.
    pub latency: Latency,
    /// One way, from a host to itself.
    pub loopback: Latency,
    /// The first retransmission timeout; it doubles, in nanoseconds.
    pub retransmit_ns: u64,
    /// Unacknowledged bytes end a connection after so long, in nanoseconds.
    pub user_timeout_ns: u64,
    /// The first SYN is repeated after so long; it doubles, in nanoseconds.
    pub dial_retry_ns: u64,
    /// A dial gives up after so long, in nanoseconds.
    pub dial_timeout_ns: u64,
    /// Bytes that may be under way or unread per direction of a connection.
    pub window: usize,
    /// Bytes that one segment carries at most.
    pub segment: usize,
    /// Of a million connections of a killed process, so many lose a part of what was on its way.
    pub tail_lost_ppm: u32,
}

impl Default for NetConfig {
    fn default() -> NetConfig {
        let (us, ms, s) = (1_000, 1_000_000, 1_000_000_000);
        NetConfig {
            latency: Latency {
                base_ns: 250 * us,
                jitter_ns: 500 * us,
                tail_ppm: 5_000,
                tail_ns: 20 * ms,
            },
            loopback: Latency::uniform(10 * us, 10 * us),
            retransmit_ns: 200 * ms,
            user_timeout_ns: 15 * s,
            dial_retry_ns: s,
            dial_timeout_ns: 60 * s,
            window: 256 << 10,
            segment: usize::MAX,
            tail_lost_ppm: 0,
        }
    }
}

/// One direction of a link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) latency: Latency,
    stream: Stream,
    pub(super) faults: Vec<Injected>,
    /// When the last byte that queued for bandwidth has left, in nanoseconds.
    free_at_ns: u64,
    /// A peer message waiting to be overtaken.
    pub(super) held_message: Option<(FaultId, Bytes)>,
}

/// What the link did to a segment.
pub(super) struct Transit {
    /// How long it travels, lost attempts included, in nanoseconds.
    pub(super) delay_ns: u64,
    /// What to count, for which fault.
    pub(super) effects: Vec<(FaultId, NetEffect)>,
}

impl Link {
    pub(super) fn new(latency: Latency, stream: Stream) -> Link {
        Link { latency, stream, faults: Vec::new(), free_at_ns: 0, held_message: None }
    }

    /// Sends a segment of `len` bytes; may flip a bit of it.
    ///
    /// The link's own stream is drawn from in the same way whatever faults there are.
    pub(super) fn transit(
        &mut self,
        now_ns: u64,
        config: &NetConfig,
        bytes: Option<&mut Bytes>,
    ) -> Transit {
        let len = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let mut delay_ns = self.latency.draw(&mut self.stream);
        let mut effects = Vec::new();
        let mut corrupted = None;
        for Injected { id, fault, stream } in &mut self.faults {
            let mut effect = NetEffect::default();
            match *fault {
                LinkFault::Slow(latency) => {
                    let slow_ns = latency.draw(stream);
                    let more_ns = slow_ns.saturating_sub(delay_ns);
                    delay_ns = slow_ns;
                    if more_ns > 0 {
                        effect = NetEffect { bytes_delayed: len, delay_ns: more_ns, ..effect };
                    }
                }
                LinkFault::Loss { ppm } => {
                    let (lost, more_ns) = retransmissions(stream, ppm, config);
                    delay_ns += more_ns;
                    effect = NetEffect { segments_lost: lost, delay_ns: more_ns, ..effect };
                }
                LinkFault::Bandwidth { bytes_per_s } => {
                    let start_ns = self.free_at_ns.max(now_ns);
                    let queued_ns = start_ns - now_ns;
                    self.free_at_ns =
                        start_ns + len.saturating_mul(1_000_000_000) / bytes_per_s.max(1);
                    delay_ns += self.free_at_ns - now_ns;
                    if queued_ns > 0 {
                        effect = NetEffect { bytes_queued: len, delay_ns: queued_ns, ..effect };
                    }
                }
                LinkFault::Corrupt { ppm } if len > 0 && stream.chance(ppm) => {
                    corrupted = Some(stream.below(len * 8));
                    effect.bits_flipped = 1;
                }
                _ => {}
            }
            if effect != NetEffect::default() {
                effects.push((*id, effect));
            }
        }
        if let (Some(bit), Some(bytes)) = (corrupted, bytes) {
            let mut copy = BytesMut::from(&bytes[..]);
            copy[(bit / 8) as usize] ^= 1 << (bit % 8);
            *bytes = copy.freeze();
        }
        Transit { delay_ns, effects }
    }
}

/// How often a segment is lost before it arrives, and how long that takes.
fn retransmissions(stream: &mut Stream, ppm: u32, config: &NetConfig) -> (u64, u64) {
    let (mut lost, mut waited_ns, mut timeout_ns) = (0, 0, config.retransmit_ns);
    while stream.chance(ppm) && waited_ns < config.user_timeout_ns {
        lost += 1;
        waited_ns += timeout_ns;
        timeout_ns *= 2;
    }
    (lost, waited_ns)
}
