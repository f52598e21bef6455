//! redb on the simulated disk: no acknowledged durable commit is lost, whatever the power does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ::redb::{Database, Durability, ReadableDatabase, TableDefinition};
use rand::RngCore;

use super::*;
use crate::clock::Now;
use crate::member::Member;

const TABLE: TableDefinition<u64, u64> = TableDefinition::new("numbers");

/// A disk that redb uses, with a clock to advance.
struct Device {
    volume: Arc<Mutex<Volume>>,
    time: Arc<AtomicU64>,
    now: Now,
    process: u64,
}

impl Device {
    fn new(seed: u64) -> Device {
        let config = DiskConfig::default();
        let mut volume =
            Volume::new(Member::new(1), Streams::new(seed), config, Trace::new(KeepLines::Nothing));
        let process = volume.boot(0);
        let time = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&time);
        let now = Now::new(move || read.load(Ordering::Relaxed));
        Device { volume: Arc::new(Mutex::new(volume)), time, now, process }
    }

    fn open(&self) -> Database {
        let file = StateFile::open(&self.volume, &self.now, self.process, "state").unwrap();
        let database = Database::builder().create_with_backend(file).unwrap();
        let (now_ns, incarnation) = (self.now.ns(), self.process);
        let caller = Caller { now_ns, incarnation, mode: IoMode::Waiting };
        let mut volume = self.volume.lock().unwrap();
        let done = volume.sync_dir(caller, "");
        self.time.store(done.due_ns, Ordering::Relaxed);
        volume.settle(done.due_ns);
        database
    }

    /// Runs a storage job, and lets a part of its time pass.
    fn job(&self, stream: &mut crate::stream::Stream, whole: bool, work: impl FnOnce()) {
        self.volume.lock().unwrap().begin_job();
        work();
        let taken_ns = self.volume.lock().unwrap().end_job();
        let passed_ns = if whole { taken_ns } else { stream.below(taken_ns + 1) };
        self.time.fetch_add(passed_ns, Ordering::Relaxed);
        self.volume.lock().unwrap().settle(self.now.ns());
    }

    fn lose_power(&mut self, id: u32, policy: PowerLoss) {
        let mut volume = self.volume.lock().unwrap();
        volume.power_loss(self.now.ns(), FaultId(id), policy);
        self.process = volume.boot(self.now.ns());
    }
}

fn commit(database: &Database, number: u64, durability: Durability) {
    let mut write = database.begin_write().unwrap();
    write.set_durability(durability).unwrap();
    {
        let mut table = write.open_table(TABLE).unwrap();
        table.insert(0, number).unwrap();
        table.insert(1 + number % 50, number).unwrap();
    }
    write.commit().unwrap();
}

fn last(database: &Database) -> u64 {
    let read = database.begin_read().unwrap();
    let table = read.open_table(TABLE).unwrap();
    table.get(0).unwrap().unwrap().value()
}

#[test]
fn no_acknowledged_commit_is_lost() {
    for seed in 0..25 {
        let mut device = Device::new(seed);
        let mut stream = Streams::new(seed).open("test", 0, 0);
        let mut number = 0;
        let mut durable = 0;
        for round in 0..8 {
            let database = device.open();
            if round > 0 {
                let found = last(&database);
                assert!((durable..=number).contains(&found), "{durable} {found} {number}");
            }
            for _ in 0..=stream.below(20) {
                number += 1;
                let lazy = number > 1 && stream.chance(700_000);
                let durability = if lazy { Durability::None } else { Durability::Immediate };
                device.job(&mut stream, true, || commit(&database, number, durability));
                durable = if lazy { durable } else { number };
            }
            // The last one may be cut short.
            number += 1;
            device.job(&mut stream, false, || commit(&database, number, Durability::Immediate));
            let keep = [Keep::Nothing, Keep::Everything, Keep::Prefix, Keep::Subset];
            let keep = keep[(stream.next_u64() % 4) as usize];
            device.lose_power(round, PowerLoss::clean(keep));
            drop(database);
        }
    }
}
