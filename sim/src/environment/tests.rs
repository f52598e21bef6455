//! The platform inside the simulated runtime: each test runs in a fresh thread, as a run does.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use madsim::runtime::{Handle, Runtime};
use mettle_server::platform::{Open, blocking, timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::disk::{DiskFault, Keep};
use crate::member::Member;
use crate::net::LinkFault;
use crate::trace::Keep as KeepLines;

const MS: Duration = Duration::from_millis(1);
const FAULT: FaultId = FaultId(1);
const C1: ClientNumber = ClientNumber::traffic(1);

/// Runs `story` in a world of its own; answers the hash of what happened.
fn in_environment<F: Future<Output = ()>>(
    seed: u64,
    story: impl FnOnce(Environment) -> F + Send + 'static,
) -> u128 {
    #[expect(clippy::disallowed_methods, reason = "a run lives on a fresh thread")]
    let thread = std::thread::spawn(move || {
        let runtime = Runtime::with_seed_and_config(seed, madsim::Config::default());
        runtime.block_on(async move {
            let environment = Environment::new(
                seed,
                EnvironmentConfig::default(),
                Trace::new(KeepLines::Nothing),
            );
            story(environment.clone()).await;
            environment.trace.hash()
        })
    });
    thread.join().unwrap()
}

fn addr(host: Host, port: u16) -> SocketAddr {
    SocketAddr::new(host.ip(), port)
}

/// Answers every connection with what it sends.
async fn echo(platform: Platform) {
    let mut listener = platform.net.listen("0.0.0.0:2379".parse().unwrap()).await.unwrap();
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut bytes = vec![0; 4096];
            while let Ok(len @ 1..) = stream.read(&mut bytes).await {
                stream.write_all(&bytes[..len]).await.unwrap();
            }
        });
    }
}

async fn echo_story(environment: Environment) {
    let node = Handle::current().create_node().name("m1").build();
    node.spawn(echo(environment.boot(Member::new(1))));
    let client = environment.client_platform(C1);
    client.clock.sleep(10 * MS).await;
    let server = addr(Host::Member(Member::new(1)), 2379);
    let mut stream = client.net.connect(server).await.unwrap();
    let mut answer = [0; 5];

    let before = client.clock.now();
    stream.write_all(b"hello").await.unwrap();
    stream.read_exact(&mut answer).await.unwrap();
    let round_trip = client.clock.now() - before;
    assert_eq!(&answer, b"hello");
    assert!(round_trip > MS / 2 && round_trip < 45 * MS, "{round_trip:?}");

    // A cut holds the answer until it is healed.
    environment.net.inject(FAULT, Host::Member(Member::new(1)), Host::Client(C1), LinkFault::Cut);
    stream.write_all(b"world").await.unwrap();
    let waited = timeout(&*client.clock, 1000 * MS, stream.read_exact(&mut answer)).await;
    assert!(waited.is_err(), "nothing gets through");
    environment.net.heal(FAULT);
    let waited = timeout(&*client.clock, 1000 * MS, stream.read_exact(&mut answer)).await;
    waited.unwrap().unwrap();
    assert_eq!(&answer, b"world");

    // A paused process answers when it is resumed; its kernel takes bytes meanwhile.
    Handle::current().pause(node.id());
    stream.write_all(b"pause").await.unwrap();
    let waited = timeout(&*client.clock, 1000 * MS, stream.read_exact(&mut answer)).await;
    assert!(waited.is_err(), "it is paused");
    Handle::current().resume(node.id());
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"pause");

    // A kill resets the connection, and the next dial is refused.
    environment.kill(Member::new(1));
    Handle::current().kill(node.id());
    assert!(!environment.is_alive(Member::new(1)));
    let error = stream.read_exact(&mut answer).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let refused = client.net.connect(server).await.err().unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn bytes_wait_for_cuts_pauses_and_end_with_the_process() {
    let hash = in_environment(1, echo_story);
    assert_eq!(hash, in_environment(1, echo_story), "the same seed is the same run");
    assert_ne!(hash, in_environment(2, echo_story));
}

#[test]
fn a_dial_into_silence_is_repeated_until_it_gets_through() {
    in_environment(1, |environment| async move {
        let node = Handle::current().create_node().name("m1").build();
        node.spawn(echo(environment.boot(Member::new(1))));
        let client = environment.client_platform(C1);
        client.clock.sleep(10 * MS).await;
        environment.net.inject(
            FAULT,
            Host::Client(C1),
            Host::Member(Member::new(1)),
            LinkFault::HangConnect,
        );
        let healer = environment.clone();
        let clock = client.clock.clone();
        tokio::spawn(async move {
            clock.sleep(5000 * MS).await;
            healer.net.heal(FAULT);
        });
        let before = client.clock.now();
        client.net.connect(addr(Host::Member(Member::new(1)), 2379)).await.unwrap();
        let taken = client.clock.now() - before;
        // SYNs after 0, 1, 3 and 7 seconds.
        assert!(taken > 7000 * MS && taken < 7100 * MS, "{taken:?}");
        assert_eq!(environment.net.effect(FAULT).dials_hung, 3);
    });
}

#[test]
fn storage_jobs_take_the_disks_time_and_wait_for_a_stall_to_end() {
    in_environment(1, |environment| async move {
        let platform = environment.boot(Member::new(1));
        let clock = &platform.clock;
        platform.disk.create_dir("wal").await.unwrap();
        let file = platform.disk.open("wal/1", Open::Create).await.unwrap();
        file.write_at(0, Bytes::from_static(b"entry")).await.unwrap();
        let before = clock.now();
        file.sync_data().await.unwrap();
        let taken = clock.now() - before;
        assert!(taken >= MS / 2 && taken < 32 * MS, "{taken:?}");
        assert_eq!(file.read_at(1, 3).await.unwrap(), b"ntr");
        assert_eq!(platform.disk.list("").await.unwrap(), ["wal"]);

        let backend = platform.disk.backend("state").unwrap();
        let before = clock.now();
        let inside = clock.clone();
        let job = blocking(&platform.disk, move || {
            backend.write(0, &[7; 4096]).unwrap();
            backend.sync_data().unwrap();
            inside.now()
        });
        let inside = job.await;
        assert!(inside - before < MS / 10, "the work itself takes no time");
        assert!(clock.now() - inside >= MS / 2, "waiting for it does");

        environment.disk.inject(FAULT, Member::new(1), DiskFault::Stall);
        let healer = environment.clone();
        let later = clock.clone();
        tokio::spawn(async move {
            later.sleep(500 * MS).await;
            healer.disk.heal(FAULT);
        });
        let before = clock.now();
        file.sync_data().await.unwrap();
        assert!(clock.now() - before >= 500 * MS);
        assert_eq!(environment.disk.effect(FAULT).stalled, 1);
    });
}

#[test]
fn a_power_loss_leaves_what_was_synced_and_fences_the_dead() {
    in_environment(1, |environment| async move {
        let dead = environment.boot(Member::new(1));
        let file = dead.disk.open("log", Open::Create).await.unwrap();
        dead.disk.sync_dir("").await.unwrap();
        file.write_at(0, Bytes::from_static(b"synced")).await.unwrap();
        file.sync_data().await.unwrap();
        file.write_at(6, Bytes::from_static(b" and not")).await.unwrap();
        let effect = environment.power_loss(FAULT, Member::new(1), PowerLoss::clean(Keep::Nothing));
        assert_eq!(effect.sectors_lost, 1);
        assert_eq!(file.sync_data().await.unwrap_err().raw_os_error(), Some(libc::EIO));
        let alive = environment.boot(Member::new(1));
        assert_eq!(file.len().await.unwrap_err().raw_os_error(), Some(libc::EIO));
        let file = alive.disk.open("log", Open::Existing).await.unwrap();
        assert_eq!(file.read_at(0, 100).await.unwrap(), b"synced");
        assert_ne!(alive.entropy.next_u64(), dead.entropy.next_u64());
    });
}

#[test]
fn timers_follow_the_drift_of_their_clock() {
    in_environment(1, |environment| async move {
        let (fast, right) = (environment.boot(Member::new(1)), environment.boot(Member::new(2)));
        environment.clock.set_drift(Host::Member(Member::new(1)), 100_000);
        let before = right.clock.now();
        fast.clock.sleep(1100 * MS).await;
        let taken = right.clock.now() - before;
        assert!(taken >= 1000 * MS && taken < 1001 * MS, "{taken:?}");

        // A pending timer hears of a change.
        let mut timer = fast.clock.sleep(2000 * MS);
        let before = right.clock.now();
        assert!(timeout(&*right.clock, 100 * MS, &mut timer).await.is_err());
        environment.clock.set_drift(Host::Member(Member::new(1)), 1_000_000);
        timer.await;
        let taken = right.clock.now() - before;
        assert!(taken >= 1040 * MS && taken < 1050 * MS, "{taken:?}");
    });
}

#[test]
fn a_timer_that_is_moved_or_dropped_leaves_nothing_behind() {
    in_environment(1, |environment| async move {
        let clock = environment.client_platform(C1).clock;
        let polled = std::sync::Arc::new(AtomicU64::new(0));
        let counter = polled.clone();
        let mut timer = clock.sleep(10 * MS);
        let deadline = clock.now() + 300 * MS;
        timer.as_mut().reset(deadline);
        let mut count = std::pin::pin!(async move {
            std::future::poll_fn(|cx| {
                counter.fetch_add(1, Ordering::Relaxed);
                timer.as_mut().poll(cx)
            })
            .await;
        });
        assert!(timeout(&*clock, 100 * MS, &mut count).await.is_err());
        count.await;
        assert!(clock.now() >= deadline && clock.now() < deadline + MS / 100);
        assert!(polled.load(Ordering::Relaxed) <= 4, "{polled:?} polls");
        let short = clock.now();
        clock.sleep(Duration::from_nanos(200)).await;
        assert!(clock.now() - short < Duration::from_micros(2), "no floor of a millisecond");
    });
}
