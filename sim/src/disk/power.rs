//! What is left after a process is killed or the machine loses power.

use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::SECTOR;
use super::contents::{Change, FileContents, Unsynced, apply, sectors, write};
use super::file::FileClass;
use super::volume::Volume;
use crate::stream::{FaultId, MILLION, Stream};
use crate::trace::Kind;

/// Which unsynced operations survive a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// Those before some moment; the operation at that moment survives in part.
    Prefix,
    /// Any sectors of any of them; names, which a journal keeps in order, up to some moment.
    Subset,
}

/// How a machine loses power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerLoss {
    /// What survives.
    pub keep: Keep,
    /// Of a million surviving sectors: only their first bytes are new.
    pub tear_ppm: u32,
    /// Of a million unsynced sectors, surviving or not: filled with garbage.
    pub garbage_ppm: u32,
    /// Which files may have torn or garbage sectors.
    ///
    /// Devices promise that a sector is written as a whole. The log does not rely on that; redb
    /// does, for the sector of its header: it does not open after such damage there.
    pub damage: FileClass,
    /// So many bytes the device writes as a whole: garbage spreads to all of them, also to those
    /// that were synced.
    pub region: u64,
    /// The first region of a file that is not of the log is spared: redb's header.
    pub spares_header: bool,
}

impl PowerLoss {
    /// A loss without torn or garbage sectors.
    pub const fn clean(keep: Keep) -> PowerLoss {
        let damage = FileClass::Any;
        let (region, spares_header) = (1, false);
        PowerLoss { keep, tear_ppm: 0, garbage_ppm: 0, damage, region, spares_header }
    }
}

/// What a power loss did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerLossEffect {
    /// Sectors written and not synced at that instant, counted once per write.
    pub unsynced_sectors: u64,
    /// Of these, lost altogether.
    pub sectors_lost: u64,
    /// Of these, torn.
    pub sectors_torn: u64,
    /// Of these, filled with garbage.
    pub sectors_garbage: u64,
    /// Bytes beside them that the garbage reached as well.
    pub neighbours_damaged: u64,
    /// Creations, renamings and removals undone.
    pub names_lost: u64,
}

/// A power loss being worked out.
struct Loss {
    policy: PowerLoss,
    stream: Stream,
    /// With [`Keep::Prefix`]: the operation that was under way.
    cut: u64,
    /// With [`Keep::Subset`]: how many of a million sectors survive.
    survive_ppm: u32,
    effect: PowerLossEffect,
}

impl Volume {
    /// The process dies. The page cache stays, and syncs under way go on.
    pub fn kill(&mut self, now_ns: u64) {
        self.settle(now_ns);
        self.stop(now_ns);
    }

    /// Fences the process and takes back what it did not live to do.
    fn stop(&mut self, now_ns: u64) {
        self.running = false;
        self.locked = false;
        self.barriers.retain(|barrier| barrier.issued_ns <= now_ns);
        for contents in self.files.values_mut() {
            contents.take_back_after(now_ns);
        }
    }

    /// The machine loses power, as the fault `id` wants it.
    pub fn power_loss(&mut self, now_ns: u64, id: FaultId, policy: PowerLoss) -> PowerLossEffect {
        self.settle(now_ns);
        self.stop(now_ns);
        self.barriers.clear();
        let entity = u64::from(self.member) << 32 | u64::from(id.0);
        let mut stream = self.streams.open("power loss", entity, self.incarnation);
        let cut = self.draw_cut(&mut stream);
        let survive_ppm = [100_000, 500_000, 900_000][stream.below(3) as usize];
        let mut loss =
            Loss { policy, stream, cut, survive_ppm, effect: PowerLossEffect::default() };
        for contents in self.files.values_mut() {
            let unsynced = std::mem::take(&mut contents.unsynced);
            for op in &unsynced {
                loss.strike(contents, op);
            }
            contents.diverged |= !unsynced.is_empty();
            contents.drop_cache();
        }
        self.lose_names(&mut loss);
        let effect = loss.effect;
        let line = format_args!("power loss {} {} {policy:?} {effect:?}", id.0, self.member);
        self.trace.record(now_ns, Some(self.member), Kind::Fault, line);
        effect
    }

    /// One of the unsynced operations, or the moment after the last.
    fn draw_cut(&self, stream: &mut Stream) -> u64 {
        let contents = self.files.values().flat_map(|contents| &contents.unsynced);
        let mut ordinals: Vec<u64> = contents
            .map(|op| op.ordinal)
            .chain(self.unsynced_names.iter().map(|op| op.ordinal))
            .collect();
        ordinals.sort_unstable();
        let pick = stream.below(ordinals.len() as u64 + 1) as usize;
        ordinals.get(pick).copied().unwrap_or(u64::MAX)
    }

    fn lose_names(&mut self, loss: &mut Loss) {
        let ops = std::mem::take(&mut self.unsynced_names);
        let drawn = loss.stream.below(ops.len() as u64 + 1) as usize;
        let kept = match loss.policy.keep {
            Keep::Nothing => 0,
            Keep::Everything => ops.len(),
            Keep::Prefix => ops.partition_point(|op| op.ordinal < loss.cut),
            Keep::Subset => drawn,
        };
        for op in &ops[..kept] {
            self.durable_names.apply(&op.change);
        }
        loss.effect.names_lost = (ops.len() - kept) as u64;
        self.durable_names.prune();
        self.names = self.durable_names.clone();
        self.drop_unnamed();
    }
}

impl Loss {
    /// Decides what of one unsynced operation reaches the medium.
    fn strike(&mut self, contents: &mut FileContents, op: &Unsynced) {
        match &op.change {
            Change::SetLen(_) => {
                let kept = self.stream.chance(self.survive_ppm);
                if self.survives(op, kept) {
                    apply(&mut contents.durable, &op.change);
                }
            }
            Change::Write { offset, bytes } => {
                let parts = sectors(*offset, bytes.len() as u64);
                let count = (offset + bytes.len() as u64).div_ceil(SECTOR) - offset / SECTOR;
                let under_way = self.stream.below(count + 1);
                for (number, part) in parts.enumerate() {
                    let from = (part.start - offset) as usize;
                    let new = &bytes[from..from + (part.end - part.start) as usize];
                    let kept = match self.policy.keep {
                        Keep::Prefix if op.ordinal == self.cut => (number as u64) < under_way,
                        _ => {
                            let kept = self.stream.chance(self.survive_ppm);
                            self.survives(op, kept)
                        }
                    };
                    self.sector(contents, part.start as usize, new, kept);
                }
            }
        }
    }

    fn survives(&self, op: &Unsynced, drawn: bool) -> bool {
        match self.policy.keep {
            Keep::Nothing => false,
            Keep::Everything => true,
            Keep::Prefix => op.ordinal < self.cut,
            Keep::Subset => drawn,
        }
    }

    /// Writes, tears, spoils or loses the new bytes of one sector.
    fn sector(&mut self, contents: &mut FileContents, at: usize, new: &[u8], kept: bool) {
        self.effect.unsynced_sectors += 1;
        let region = self.policy.region.max(1) as usize;
        let spared = self.policy.spares_header && contents.class != FileClass::Wal && at < region;
        let damage = self.policy.damage.covers(contents.class)
            && self.policy.keep != Keep::Everything
            && !spared;
        let garbage = self.stream.chance(self.policy.garbage_ppm);
        let torn = self.stream.chance(self.policy.tear_ppm);
        let place = self.stream.below(u64::from(MILLION)) as usize;
        if damage && garbage && at <= contents.durable.len() {
            let own = at..at + new.len();
            let start = at / region * region;
            let end = own.end.max(own.end.next_multiple_of(region).min(contents.durable.len()));
            let mut bytes = vec![0; end - start];
            self.stream.fill_bytes(&mut bytes);
            write(&mut contents.durable, start, &bytes);
            self.effect.sectors_garbage += 1;
            self.effect.neighbours_damaged += (bytes.len() - new.len()) as u64;
        } else if damage && torn && kept {
            write(&mut contents.durable, at, &new[..place % new.len()]);
            self.effect.sectors_torn += 1;
        } else if kept {
            write(&mut contents.durable, at, new);
        } else {
            self.effect.sectors_lost += 1;
        }
    }
}
