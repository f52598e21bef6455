//! Real server processes on loopback, and etcdctl against them.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mettle_server::platform::{Clock, Net};
use mettle_server::transport::{Channel, Settings};

/// How long a cluster may take to serve, and a watch to say what it is asked for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which server to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Ours.
    Mettled,
    /// The real one.
    Etcd,
}

impl Program {
    fn path(self) -> PathBuf {
        match self {
            Program::Mettled => env!("CARGO_BIN_EXE_mettled").into(),
            Program::Etcd => on_path("etcd").expect("asked before"),
        }
    }
}

/// Where a program lies, if it is installed.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Whether etcdctl is there; says so when it is not, since the test then passes without a look.
#[expect(clippy::print_stderr, reason = "for who runs the tests")]
pub(crate) fn etcdctl_missing() -> bool {
    let missing = on_path("etcdctl").is_none();
    if missing {
        eprintln!("etcdctl is not installed: nothing was tested");
    }
    missing
}

/// Whether etcd or etcdctl is not there; says so, too.
#[expect(clippy::print_stderr, reason = "for who runs the tests")]
pub(crate) fn etcd_missing() -> bool {
    let missing = on_path("etcd").is_none();
    if missing {
        eprintln!("etcd is not installed: nothing was compared with it");
    }
    missing || etcdctl_missing()
}

/// A cluster that dies with its value.
pub(crate) struct Cluster {
    program: Program,
    dir: PathBuf,
    members: Vec<Member>,
}

struct Member {
    name: String,
    client: SocketAddr,
    peer: SocketAddr,
    process: Option<Child>,
}

impl Cluster {
    /// Starts `size` members and waits until all of them serve.
    pub(crate) fn start(program: Program, size: usize) -> Cluster {
        Cluster::start_some(program, size, size)
    }

    /// Starts the first `started` of `size` members and waits until they serve.
    pub(crate) fn start_some(program: Program, size: usize, started: usize) -> Cluster {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("{program:?}-{}-{number}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&dir).unwrap();
        // All held at once, so that they differ; let go before the members take them.
        let sockets: Vec<TcpListener> =
            (0..2 * size).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addr = |n: usize| sockets[n].local_addr().unwrap();
        let members = (0..size)
            .map(|n| Member {
                name: format!("m{}", n + 1),
                client: addr(2 * n),
                peer: addr(2 * n + 1),
                process: None,
            })
            .collect();
        drop(sockets);
        let mut cluster = Cluster { program, dir, members };
        for n in 0..started {
            cluster.start_member(n);
        }
        cluster.wait_until_serving();
        cluster
    }

    /// Starts a member that does not run.
    pub(crate) fn start_member(&mut self, n: usize) {
        let initial: Vec<String> =
            self.members.iter().map(|m| format!("{}=http://{}", m.name, m.peer)).collect();
        let member = &mut self.members[n];
        assert!(member.process.is_none(), "{} runs", member.name);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join(format!("{}.log", member.name)))
            .unwrap();
        let client = format!("http://{}", member.client);
        let peer = format!("http://{}", member.peer);
        let process = Command::new(self.program.path())
            .env_clear()
            .arg("--name")
            .arg(&member.name)
            .arg("--data-dir")
            .arg(self.dir.join(&member.name))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &initial.join(",")])
            .args(["--initial-cluster-token", "conformance"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        member.process = Some(process);
    }

    /// Kills a member as `kill -9` does.
    pub(crate) fn kill(&mut self, n: usize) {
        let mut process = self.members[n].process.take().expect("it runs");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Takes a killed member's disk away.
    pub(crate) fn wipe(&self, n: usize) {
        std::fs::remove_dir_all(self.dir.join(&self.members[n].name)).unwrap();
    }

    /// Waits until a member ends by itself; returns the end of its log.
    pub(crate) fn end_of(&mut self, n: usize) -> String {
        let mut process = self.members[n].process.take().expect("it runs");
        let ended = wait_until(|| process.try_wait().unwrap().is_some());
        let log = std::fs::read_to_string(self.dir.join(format!("{}.log", self.members[n].name)));
        let log = log.unwrap();
        let last = log.lines().last().unwrap_or_default().to_owned();
        if ended.is_err() {
            let _ = process.kill();
            panic!("{} goes on: {last}", self.members[n].name);
        }
        last
    }

    /// How many members there are.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    /// Where clients reach a member.
    pub(crate) fn client_addr(&self, n: usize) -> SocketAddr {
        self.members[n].client
    }

    /// Waits until every member that runs answers a linearizable read.
    pub(crate) fn wait_until_serving(&self) {
        for n in (0..self.members.len()).filter(|n| self.members[*n].process.is_some()) {
            let endpoint = format!("endpoints={}", self.members[n].client);
            let mut last = String::new();
            wait_until(|| {
                last = self.etcdctl(&["--command-timeout=2s", &endpoint, "get", "x"], "");
                !last.contains("Error:")
            })
            .unwrap_or_else(|()| panic!("{} does not serve: {last}", self.members[n].name));
        }
    }

    /// The member that leads.
    pub(crate) fn leader(&self) -> usize {
        let mut leader = None;
        wait_until(|| {
            leader = (0..self.members.len()).find(|&n| {
                let endpoint = format!("endpoints={}", self.members[n].client);
                let status = self.etcdctl(&[&endpoint, "endpoint", "status"], "");
                status.split(", ").nth(4) == Some("true")
            });
            leader.is_some()
        })
        .expect("somebody leads");
        leader.expect("it was found")
    }

    /// Runs etcdctl and returns what it printed: its output, and of its errors the last word.
    ///
    /// A word `flag=value` is a flag; the first member answers unless there is one `endpoints=`.
    pub(crate) fn etcdctl(&self, words: &[&str], stdin: &str) -> String {
        let mut child = self
            .etcdctl_command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().expect("piped").write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        for line in errors.lines().filter(|line| line.starts_with("Error:")) {
            printed.push_str(line);
            printed.push('\n');
        }
        printed
    }

    /// Runs `etcdctl watch` until it has printed so many lines.
    pub(crate) fn watch(&self, words: &[&str], lines: usize) -> String {
        let output = self.dir.join("watch.out");
        let file = std::fs::File::create(&output).unwrap();
        let mut child = self
            .etcdctl_command(words)
            .stdin(Stdio::null())
            .stderr(file.try_clone().unwrap())
            .stdout(file)
            .spawn()
            .unwrap();
        let mut printed = String::new();
        // Fewer lines than expected are the caller's to complain of.
        let _ = wait_until(|| {
            printed = std::fs::read_to_string(&output).unwrap();
            printed.lines().count() >= lines
        });
        child.kill().unwrap();
        child.wait().unwrap();
        printed
    }

    fn etcdctl_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(on_path("etcdctl").expect("asked before"));
        command.env_clear().env("ETCDCTL_API", "3");
        if !words.iter().any(|word| word.starts_with("endpoints=")) {
            command.arg(format!("--endpoints={}", self.members[0].client));
        }
        for word in words {
            if word.contains('=') && !word.starts_with("--") {
                command.arg(format!("--{word}"));
            } else {
                command.arg(word);
            }
        }
        command
    }

    /// A channel to a member.
    pub(crate) fn channel(&self, n: usize, net: &Arc<dyn Net>, clock: &Arc<dyn Clock>) -> Channel {
        Channel::new(net.clone(), clock.clone(), self.members[n].client, Settings::client_api())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.members.iter_mut().filter_map(|m| m.process.as_mut()) {
            let _ = process.kill();
            let _ = process.wait();
        }
        // What a failed test leaves behind is worth a look.
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "real processes take real time, and there is nothing to wait on but their answers"
)]
fn wait_until(mut done: impl FnMut() -> bool) -> Result<(), ()> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if done() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(())
}
