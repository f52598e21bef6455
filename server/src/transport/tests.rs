//! The transport over in-memory streams and a clock that moves only when told.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use http::HeaderMap;
use mettle_api::health::health_check_response::ServingStatus;
use mettle_api::health::health_client::HealthClient;
use mettle_api::health::health_server::{Health, HealthServer};
use mettle_api::health::{HealthCheckRequest, HealthCheckResponse};
use mettle_api::peer::peer_client::PeerClient;
use mettle_api::peer::peer_server::{Peer, PeerServer};
use mettle_api::peer::{Frame, SnapshotEnd, StandingRequest, StandingResponse, StreamEnd};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status, Streaming};
use tower_layer::Layer as _;

use super::*;
use crate::platform::{BoxFuture, Clock, Listener, Net, Sleep, Stream};

const SERVER: &str = "10.0.0.1:2379";

fn server() -> SocketAddr {
    SERVER.parse().unwrap()
}

/// A clock that stands still until it is moved.
struct StillClock {
    state: Mutex<(Instant, Vec<Waker>)>,
}

impl StillClock {
    #[expect(clippy::disallowed_methods, reason = "where a test's time begins does not matter")]
    fn new() -> Arc<Self> {
        Arc::new(StillClock { state: Mutex::new((Instant::now(), Vec::new())) })
    }

    fn advance(&self, by: Duration) {
        let wakers = {
            let mut state = self.state.lock().unwrap();
            state.0 += by;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// `Clock` for a shared still clock, so that its timers can hold it.
struct Handle(Arc<StillClock>);

impl Clock for Handle {
    fn now(&self) -> Instant {
        self.0.state.lock().unwrap().0
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(StillSleep { clock: self.0.clone(), deadline })
    }
}

struct StillSleep {
    clock: Arc<StillClock>,
    deadline: Instant,
}

impl Future for StillSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state.lock().unwrap();
        if state.0 >= self.deadline {
            return Poll::Ready(());
        }
        state.1.push(cx.waker().clone());
        Poll::Pending
    }
}

impl Sleep for StillSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
    }
}

/// Listeners by address; connecting makes a pair of pipes.
#[derive(Default)]
struct Pipes {
    listeners: Mutex<BTreeMap<SocketAddr, mpsc::UnboundedSender<DuplexStream>>>,
    connects: AtomicU32,
    hang: Mutex<bool>,
}

impl Net for Pipes {
    fn listen(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        let (tx, rx) = mpsc::unbounded_channel();
        self.listeners.lock().unwrap().insert(addr, tx);
        let listener: Box<dyn Listener> = Box::new(PipeListener { addr, rx });
        Box::pin(async move { Ok(listener) })
    }

    fn connect(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        self.connects.fetch_add(1, Ordering::Relaxed);
        if *self.hang.lock().unwrap() {
            return Box::pin(std::future::pending());
        }
        let (near, far) = tokio::io::duplex(64 << 10);
        let listeners = self.listeners.lock().unwrap();
        let reached = listeners.get(&addr).is_some_and(|tx| tx.send(far).is_ok());
        Box::pin(async move {
            if reached {
                Ok(Box::new(near) as Box<dyn Stream>)
            } else {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        })
    }
}

struct PipeListener {
    addr: SocketAddr,
    rx: mpsc::UnboundedReceiver<DuplexStream>,
}

impl Listener for PipeListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn Stream>, SocketAddr)>> {
        Box::pin(async move {
            match self.rx.recv().await {
                Some(pipe) => Ok((Box::new(pipe) as Box<dyn Stream>, self.addr)),
                None => std::future::pending().await,
            }
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }
}

/// Answers at once, except where the name asked for is `hang`.
struct Answers;

#[tonic::async_trait]
impl Health for Answers {
    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "hang" => std::future::pending().await,
            "unknown" => Err(Status::not_found("unknown service")),
            _ => Ok(Response::new(serving())),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let hang = request.into_inner().service == "hang";
        let (tx, rx) = mpsc::channel(4);
        tokio::spawn(async move {
            for _ in 0..3 {
                let _ = tx.send(Ok(serving())).await;
            }
            if hang {
                std::future::pending::<()>().await;
            }
        });
        Ok(Response::new(ReceiverStream::new(rx)))
    }
}

fn serving() -> HealthCheckResponse {
    HealthCheckResponse { status: ServingStatus::Serving.into() }
}

#[tonic::async_trait]
impl Peer for Answers {
    async fn stream(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<StreamEnd>, Status> {
        let mut frames = request.into_inner();
        let mut bytes = 0;
        while let Some(frame) = frames.next().await {
            bytes += frame?.payload.len();
        }
        if bytes == 3 << 20 {
            Ok(Response::new(StreamEnd {}))
        } else {
            Err(Status::data_loss(format!("{bytes} bytes")))
        }
    }

    async fn snapshot(
        &self,
        _: Request<Streaming<Frame>>,
    ) -> Result<Response<SnapshotEnd>, Status> {
        Err(Status::unimplemented("snapshot"))
    }

    async fn standing(
        &self,
        _: Request<StandingRequest>,
    ) -> Result<Response<StandingResponse>, Status> {
        Err(Status::unimplemented("standing"))
    }
}

struct World {
    still: Arc<StillClock>,
    clock: Arc<dyn Clock>,
    pipes: Arc<Pipes>,
}

impl World {
    fn new() -> World {
        let still = StillClock::new();
        let clock = Arc::new(Handle(still.clone()));
        World { still, clock, pipes: Arc::new(Pipes::default()) }
    }

    async fn serve(&self) -> JoinHandle<()> {
        let listener = self.pipes.listen(server()).await.unwrap();
        let routes = Routes::new(HealthServer::new(Answers)).add_service(PeerServer::new(Answers));
        let service = DeadlineLayer::new(self.clock.clone()).layer(routes.prepare());
        tokio::spawn(serve(listener, service, self.clock.clone(), Settings::client_api()))
    }

    fn channel(&self) -> Channel {
        let net: Arc<dyn Net> = self.pipes.clone();
        Channel::new(net, self.clock.clone(), server(), Settings::peer())
    }

    fn connects(&self) -> u32 {
        self.pipes.connects.load(Ordering::Relaxed)
    }
}

/// Lets every task run until none can go on.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

fn ask(name: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: name.into() }
}

fn spawn_check(channel: &Channel, name: &str) -> JoinHandle<Result<(), Status>> {
    let mut client = HealthClient::new(channel.clone());
    let request = ask(name);
    tokio::spawn(async move { client.check(request).await.map(drop) })
}

fn timed<T>(message: T, limit: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(limit);
    request
}

#[tokio::test]
async fn calls_share_one_connection() {
    let world = World::new();
    let _server = world.serve().await;
    let mut client = HealthClient::new(world.channel());
    for _ in 0..3 {
        let answer = client.check(ask("")).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
    let error = client.check(ask("unknown")).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::NotFound, "unknown service"));
    assert!(!never_sent(&error));
    assert_eq!(world.connects(), 1);
}

#[tokio::test]
async fn streams_flow_both_ways() {
    let world = World::new();
    let _server = world.serve().await;
    let watched = HealthClient::new(world.channel()).watch(ask("")).await.unwrap().into_inner();
    assert_eq!(watched.filter_map(Result::ok).collect::<Vec<_>>().await.len(), 3);
    let frame = Frame { head: None, payload: vec![7; 64 << 10].into() };
    let frames = tokio_stream::iter(vec![frame; 48]);
    PeerClient::new(world.channel()).stream(frames).await.unwrap();
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let world = World::new();
    let _server = world.serve().await;
    let mut client = HealthClient::new(world.channel());
    let call = tokio::spawn(async move {
        client.check(timed(ask("hang"), Duration::from_secs(3))).await.unwrap_err()
    });
    settle().await;
    world.still.advance(Duration::from_millis(2_999));
    settle().await;
    assert!(!call.is_finished());
    world.still.advance(Duration::from_millis(1));
    let error = call.await.unwrap();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(!never_sent(&error));
}

#[tokio::test]
async fn a_response_stream_ends_at_its_deadline() {
    let world = World::new();
    let _server = world.serve().await;
    let mut client = HealthClient::new(world.channel());
    let request = timed(ask("hang"), Duration::from_secs(3));
    let mut stream = client.watch(request).await.unwrap().into_inner();
    for _ in 0..3 {
        stream.next().await.unwrap().unwrap();
    }
    world.still.advance(Duration::from_secs(3));
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn the_server_alone_ends_a_call_at_its_deadline() {
    let world = World::new();
    let routes = Routes::new(HealthServer::new(Answers)).prepare();
    let mut service = DeadlineLayer::new(world.clock.clone()).layer(routes);
    let request = http::Request::post("/grpc.health.v1.Health/Check")
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "1S")
        .body(tonic::body::Body::new(http_body_util::Full::new(bytes::Bytes::from_static(
            b"\0\0\0\0\x06\x0a\x04hang",
        ))))
        .unwrap();
    let call = tokio::spawn(tower_service::Service::call(&mut service, request));
    settle().await;
    assert!(!call.is_finished());
    world.still.advance(Duration::from_secs(1));
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.headers()["grpc-status"], "4");
}

#[tokio::test]
async fn a_refused_connection_sends_nothing() {
    let world = World::new();
    let error = HealthClient::new(world.channel()).check(ask("")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(error.message(), "connect to 10.0.0.1:2379: connection refused");
    assert!(never_sent(&error));
    // The next call dials again, and finds the server that has come up.
    let _server = world.serve().await;
    HealthClient::new(world.channel()).check(ask("")).await.unwrap();
}

#[tokio::test]
async fn waiting_calls_share_one_dial_and_its_failure() {
    let world = World::new();
    *world.pipes.hang.lock().unwrap() = true;
    let channel = world.channel();
    let calls: Vec<_> = (0..5).map(|_| spawn_check(&channel, "")).collect();
    settle().await;
    assert_eq!(world.connects(), 1);
    world.still.advance(Settings::peer().connect_timeout);
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.message(), "connect to 10.0.0.1:2379: timed out");
        assert!(never_sent(&error));
    }
    assert_eq!(world.connects(), 1);
}

#[tokio::test]
async fn a_deadline_that_passes_while_connecting_sends_nothing() {
    let world = World::new();
    *world.pipes.hang.lock().unwrap() = true;
    let mut client = HealthClient::new(world.channel());
    let call = tokio::spawn(async move {
        client.check(timed(ask(""), Duration::from_secs(1))).await.unwrap_err()
    });
    settle().await;
    world.still.advance(Duration::from_secs(1));
    let error = call.await.unwrap();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(never_sent(&error));
}

#[tokio::test]
async fn a_broken_connection_fails_its_calls_and_the_next_call_connects_again() {
    let world = World::new();
    let (tx, mut dialled) = mpsc::unbounded_channel();
    world.pipes.listeners.lock().unwrap().insert(server(), tx);
    let channel = world.channel();
    let lost = spawn_check(&channel, "");
    settle().await;
    // The first connection takes the request and dies without an answer.
    drop(dialled.recv().await.unwrap());
    let error = lost.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!never_sent(&error));
    let _server = world.serve().await;
    spawn_check(&channel, "").await.unwrap().unwrap();
    assert_eq!(world.connects(), 2);
}

#[tokio::test]
async fn a_silent_peer_is_noticed_by_keepalive() {
    let world = World::new();
    let (tx, mut dialled) = mpsc::unbounded_channel();
    world.pipes.listeners.lock().unwrap().insert(server(), tx);
    let channel = world.channel();
    let call = spawn_check(&channel, "");
    settle().await;
    let _silent = dialled.recv().await.unwrap();
    world.still.advance(Settings::peer().keepalive_interval.unwrap());
    settle().await;
    assert!(!call.is_finished());
    world.still.advance(Settings::peer().keepalive_timeout);
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!never_sent(&error));
}

#[tokio::test]
async fn a_server_that_stops_lets_running_calls_finish_for_a_while() {
    let world = World::new();
    let serving = world.serve().await;
    let channel = world.channel();
    let call = spawn_check(&channel, "hang");
    settle().await;
    serving.abort();
    settle().await;
    assert!(!call.is_finished());
    world.still.advance(Settings::client_api().drain_timeout);
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::Unavailable);
}

#[test]
fn timeouts_are_read_as_grpc_writes_them() {
    let read = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        grpc_timeout(&headers)
    };
    assert_eq!(read("2H"), Some(Duration::from_hours(2)));
    assert_eq!(read("3M"), Some(Duration::from_mins(3)));
    assert_eq!(read("4S"), Some(Duration::from_secs(4)));
    assert_eq!(read("5m"), Some(Duration::from_millis(5)));
    assert_eq!(read("6u"), Some(Duration::from_micros(6)));
    assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
    for bad in ["", "S", "1", "1s", "+1S", "-1S", "123456789n", "1.5S"] {
        assert_eq!(read(bad), None, "{bad:?}");
    }
    assert_eq!(grpc_timeout(&HeaderMap::new()), None);
}
