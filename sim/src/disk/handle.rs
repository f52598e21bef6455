//! The disks as the rest of the simulator sees them: a handle that knows the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::{DiskConfig, DiskEffect, DiskFault, FileClass, PowerLoss, PowerLossEffect, Volume};
use crate::clock::Now;
use crate::member::Member;
use crate::stream::{FaultId, Streams};
use crate::trace::Trace;

/// A handle to the disks of all members; clones are handles to the same ones.
#[derive(Clone, Debug)]
pub struct DiskHandle {
    streams: Streams,
    config: DiskConfig,
    trace: Trace,
    now: Now,
    volumes: Arc<Mutex<BTreeMap<Member, Arc<Mutex<Volume>>>>>,
}

impl DiskHandle {
    /// Empty disks.
    pub fn new(streams: Streams, config: DiskConfig, now: Now, trace: Trace) -> DiskHandle {
        DiskHandle { streams, config, trace, now, volumes: Arc::default() }
    }

    /// Where it reads the time.
    #[cfg(madsim)]
    pub(super) fn now(&self) -> Now {
        self.now.clone()
    }

    /// A member's disk.
    pub fn volume(&self, member: Member) -> Arc<Mutex<Volume>> {
        let mut volumes = self.volumes.lock().expect("no one panics while holding the disks");
        let volume = volumes.entry(member).or_insert_with(|| {
            let (config, trace) = (self.config, self.trace.clone());
            Arc::new(Mutex::new(Volume::new(member, self.streams, config, trace)))
        });
        Arc::clone(volume)
    }

    /// Works on a member's disk, at this moment, and wakes whoever is concerned.
    pub(crate) fn with<T>(&self, member: Member, work: impl FnOnce(&mut Volume, u64) -> T) -> T {
        with(&self.volume(member), &self.now, work)
    }

    /// A process of this member may use its disk; answers its incarnation.
    pub fn boot(&self, member: Member) -> u64 {
        self.with(member, Volume::boot)
    }

    /// Whether a process of this member may use its disk.
    pub fn is_running(&self, member: Member) -> bool {
        self.with(member, |volume, _| volume.is_running())
    }

    /// Whether a power loss at this moment could lose bytes or names of this member.
    pub fn has_unsynced(&self, member: Member) -> bool {
        self.with(member, Volume::has_unsynced)
    }

    /// The process dies; the page cache stays.
    pub fn kill(&self, member: Member) {
        self.with(member, Volume::kill);
    }

    /// The machine loses power.
    pub fn power_loss(&self, member: Member, id: FaultId, policy: PowerLoss) -> PowerLossEffect {
        self.with(member, |volume, now_ns| volume.power_loss(now_ns, id, policy))
    }

    /// Puts a fault on a member's disk.
    pub fn inject(&self, id: FaultId, member: Member, fault: DiskFault) {
        self.with(member, |volume, now_ns| volume.inject(now_ns, id, fault));
    }

    /// Flips a bit in each of `count` sectors of the files of a class.
    pub fn rot(&self, id: FaultId, member: Member, class: FileClass, count: u64) {
        self.with(member, |volume, now_ns| volume.rot(now_ns, id, class, count));
    }

    /// Takes every fault of this id off every disk.
    pub fn heal(&self, id: FaultId) {
        for member in self.members() {
            self.with(member, |volume, now_ns| volume.heal(now_ns, id));
        }
    }

    /// What came of a fault so far, on all disks together.
    pub fn effect(&self, id: FaultId) -> DiskEffect {
        let effects = self.members().into_iter();
        effects.fold(DiskEffect::default(), |sum, member| {
            sum.plus(self.with(member, |volume, _| volume.effect(id)))
        })
    }

    /// Bytes of all files of a member together.
    pub fn used_bytes(&self, member: Member) -> u64 {
        self.with(member, |volume, _| volume.used_bytes())
    }

    /// What came of a fault so far on one member's disk.
    pub fn effect_on(&self, member: Member, id: FaultId) -> DiskEffect {
        self.with(member, |volume, _| volume.effect(id))
    }

    /// Whether sectors that a fault has damaged stand on a member's disk.
    pub fn is_damaged(&self, member: Member, id: FaultId) -> bool {
        self.with(member, |volume, _| volume.is_damaged(id))
    }

    /// A member's disk is empty. Only while its process is dead.
    pub fn wipe(&self, id: FaultId, member: Member) {
        self.with(member, |volume, now_ns| {
            volume.wipe(now_ns);
            volume.replaced(id);
        });
    }

    /// The files of a class are gone from a member's disk. Only while its process is dead.
    pub fn lose(&self, id: FaultId, member: Member, class: FileClass) {
        self.with(member, |volume, now_ns| {
            volume.lose(now_ns, class);
            volume.replaced(id);
        });
    }

    /// Two members' disks are exchanged. Only while both processes are dead.
    pub fn swap(&self, id: FaultId, a: Member, b: Member) {
        let (first, second) = (self.volume(a), self.volume(b));
        if a != b {
            let now_ns = self.now.ns();
            let mut first = first.lock().expect("no one panics while holding a disk");
            let mut second = second.lock().expect("no one panics while holding a disk");
            first.swap_contents(now_ns, &mut second);
            first.replaced(id);
            second.replaced(id);
        }
    }

    /// What is durable on a member's disk now, to go back to with [`DiskHandle::roll_back`].
    pub fn image(&self, member: Member) -> super::Image {
        self.with(member, Volume::image)
    }

    /// A member's disk is what it once was. Only while its process is dead.
    pub fn roll_back(&self, id: FaultId, member: Member, image: &super::Image) {
        self.with(member, |volume, now_ns| {
            volume.roll_back(now_ns, image);
            volume.replaced(id);
        });
    }

    fn members(&self) -> Vec<Member> {
        let volumes = self.volumes.lock().expect("no one panics while holding the disks");
        volumes.keys().copied().collect()
    }
}

/// Works on a disk, at this moment, and wakes whoever is concerned.
pub(super) fn with<T>(
    volume: &Mutex<Volume>,
    now: &Now,
    work: impl FnOnce(&mut Volume, u64) -> T,
) -> T {
    let now_ns = now.ns();
    let mut volume = volume.lock().expect("no one panics while holding a disk");
    let answer = work(&mut volume, now_ns);
    volume.end_step();
    let wakes = volume.take_wakes();
    drop(volume);
    wakes.into_iter().for_each(std::task::Waker::wake);
    answer
}
