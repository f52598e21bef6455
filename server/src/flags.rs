//! etcd's flags and environment names, and how they become a [`Config`].

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::config::{Config, InitialMember};
use crate::limits::Limits;

/// Entries applied before the log is cut, unless a flag says otherwise; etcd 3.6 has the same.
const SNAPSHOT_COUNT: u64 = 10_000;

/// An etcd-compatible key-value server.
#[derive(Clone, Debug, Parser)]
#[command(name = "mettled", version, max_term_width = 100)]
pub struct Flags {
    /// Name of this member; must be in --initial-cluster
    #[arg(long, env = "ETCD_NAME", default_value = "default")]
    name: String,
    /// Folder of this member's log and state [default: NAME.etcd]
    #[arg(long, env = "ETCD_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where clients connect to
    #[arg(long, env = "ETCD_LISTEN_CLIENT_URLS", value_delimiter = ',', value_name = "URL,…")]
    #[arg(default_value = "http://localhost:2379")]
    listen_client_urls: Vec<String>,
    /// What clients are told to connect to [default: the listen URLs]
    #[arg(long, env = "ETCD_ADVERTISE_CLIENT_URLS", value_delimiter = ',', value_name = "URL,…")]
    advertise_client_urls: Vec<String>,
    /// Where peers connect to
    #[arg(long, env = "ETCD_LISTEN_PEER_URLS", value_delimiter = ',', value_name = "URL,…")]
    #[arg(default_value = "http://localhost:2380")]
    listen_peer_urls: Vec<String>,
    /// What peers are told to connect to
    #[arg(long, env = "ETCD_INITIAL_ADVERTISE_PEER_URLS", value_delimiter = ',')]
    #[arg(value_name = "URL,…", default_value = "http://localhost:2380")]
    initial_advertise_peer_urls: Vec<String>,
    /// All members at the start [default: NAME=its peer URLs]
    #[arg(long, env = "ETCD_INITIAL_CLUSTER", value_name = "NAME=URL,…")]
    initial_cluster: Option<String>,
    /// Whether the cluster is started for the first time
    #[arg(long, env = "ETCD_INITIAL_CLUSTER_STATE", value_enum, default_value = "new")]
    initial_cluster_state: ClusterState,
    /// Keeps clusters with the same URLs apart
    #[arg(long, env = "ETCD_INITIAL_CLUSTER_TOKEN", default_value = "etcd-cluster")]
    initial_cluster_token: String,
    /// Milliseconds between a leader's heartbeats
    #[arg(long, env = "ETCD_HEARTBEAT_INTERVAL", default_value_t = 100, value_name = "MS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=60_000))]
    heartbeat_interval: u64,
    /// Milliseconds without a leader before an election
    #[arg(long, env = "ETCD_ELECTION_TIMEOUT", default_value_t = 1000, value_name = "MS")]
    #[arg(value_parser = clap::value_parser!(u64).range(5..=50_000))]
    election_timeout: u64,
    /// Entries applied before the log is cut; 0 for 10000
    #[arg(long, env = "ETCD_SNAPSHOT_COUNT", default_value_t = SNAPSHOT_COUNT, value_name = "ENTRIES")]
    snapshot_count: u64,
    /// Size of the state above which writes are refused; 0 for 2 GiB
    #[arg(long, env = "ETCD_QUOTA_BACKEND_BYTES", default_value_t = 0, value_name = "BYTES")]
    quota_backend_bytes: u64,
    /// Largest request taken from a client
    #[arg(long, env = "ETCD_MAX_REQUEST_BYTES", default_value_t = 1_572_864, value_name = "BYTES")]
    max_request_bytes: usize,
    /// Most operations in one transaction
    #[arg(long, env = "ETCD_MAX_TXN_OPS", default_value_t = 128, value_name = "COUNT")]
    max_txn_ops: usize,
    /// How much to log
    #[arg(long, env = "ETCD_LOG_LEVEL", value_enum, default_value = "info")]
    pub log_level: LogLevel,
    /// How to log [default: console on a terminal, else json]
    #[arg(long, env = "ETCD_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
}

/// `--initial-cluster-state`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClusterState {
    /// Started for the first time, or again from its own data.
    New,
    /// Joins a running cluster.
    Existing,
}

/// `--log-level`, in etcd's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What an operator wants to know.
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
    /// Taken for etcd's sake; the same as error.
    Panic,
    /// Taken for etcd's sake; the same as error.
    Fatal,
}

/// `--log-format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Console,
}

/// A flag whose value cannot be used: which, the value, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--{flag} {value:?}: {why}")]
pub struct FlagError {
    flag: &'static str,
    value: String,
    why: String,
}

impl Flags {
    /// Where this member keeps its log and state.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| PathBuf::from(format!("{}.etcd", self.name)))
    }

    /// Resolves names and addresses.
    pub fn config(&self) -> Result<Config, FlagError> {
        if self.initial_cluster_state == ClusterState::Existing && !self.data_dir().exists() {
            return Err(FlagError {
                flag: "initial-cluster-state",
                value: "existing".into(),
                why: "joining a running cluster is not built yet; start all members with `new`"
                    .into(),
            });
        }
        let cluster = match &self.initial_cluster {
            Some(list) => list.clone(),
            None => self
                .initial_advertise_peer_urls
                .iter()
                .map(|url| format!("{}={url}", self.name))
                .collect::<Vec<_>>()
                .join(","),
        };
        let advertise = if self.advertise_client_urls.is_empty() {
            &self.listen_client_urls
        } else {
            &self.advertise_client_urls
        };
        for url in &self.advertise_client_urls {
            address("advertise-client-urls", url)?;
        }
        // etcd: 0 means the default.
        let snapshot_count = match self.snapshot_count {
            0 => SNAPSHOT_COUNT,
            entries => entries,
        };
        Ok(Config {
            name: self.name.clone(),
            listen_client: addresses("listen-client-urls", &self.listen_client_urls)?,
            listen_peer: addresses("listen-peer-urls", &self.listen_peer_urls)?,
            advertise_client_urls: advertise.clone(),
            initial_cluster: members(&cluster)?,
            initial_cluster_token: self.initial_cluster_token.clone(),
            heartbeat_interval: Duration::from_millis(self.heartbeat_interval),
            election_timeout: Duration::from_millis(self.election_timeout),
            snapshot_count,
            snapshot_catchup_entries: (snapshot_count / 2).min(5000),
            // etcd: 0 means the default of 2 GiB.
            quota_backend_bytes: match self.quota_backend_bytes {
                0 => 2 << 30,
                bytes => bytes,
            },
            max_request_bytes: self.max_request_bytes,
            max_txn_ops: self.max_txn_ops,
            watch_progress_interval: Duration::from_mins(10),
            wal_segment_bytes: 16 << 20,
            limits: Limits::default(),
        })
    }
}

fn members(list: &str) -> Result<Vec<InitialMember>, FlagError> {
    let flag = "initial-cluster";
    let mut members: Vec<InitialMember> = Vec::new();
    for item in list.split(',') {
        let Some((name, url)) = item.split_once('=') else {
            let why = "expected NAME=URL, as in m1=http://10.0.0.1:2380".to_string();
            return Err(FlagError { flag, value: item.to_string(), why });
        };
        let peer_addr = address(flag, url)?;
        match members.iter_mut().find(|member| member.name == name) {
            // etcd: a name may stand several times, once for each of its URLs.
            Some(member) => member.peer_urls.push(url.to_string()),
            None => members.push(InitialMember {
                name: name.to_string(),
                peer_urls: vec![url.to_string()],
                peer_addr,
            }),
        }
    }
    Ok(members)
}

fn addresses(flag: &'static str, urls: &[String]) -> Result<Vec<SocketAddr>, FlagError> {
    urls.iter().map(|url| address(flag, url)).collect()
}

/// The address behind `http://HOST:PORT`.
fn address(flag: &'static str, url: &str) -> Result<SocketAddr, FlagError> {
    let error = |why: &str| FlagError { flag, value: url.to_string(), why: why.to_string() };
    let host = match url.split_once("://") {
        Some(("http", host)) => host.trim_end_matches('/'),
        Some(("https", _)) => return Err(error("TLS is not built yet: use http://")),
        _ => return Err(error("expected a URL such as http://127.0.0.1:2379")),
    };
    let mut found = host
        .to_socket_addrs()
        .map_err(|cause| error(&format!("cannot be resolved ({cause}); expected HOST:PORT")))?;
    found.next().ok_or_else(|| error("resolves to no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(args: &[&str]) -> Flags {
        Flags::try_parse_from(std::iter::once(&"mettled").chain(args)).expect("valid flags")
    }

    #[test]
    fn a_single_member_needs_no_flags_but_urls() {
        let config = flags(&["--listen-client-urls", "http://127.0.0.1:1"]).config().unwrap();
        assert_eq!(config.initial_cluster[0].name, "default");
        assert_eq!(config.advertise_client_urls, ["http://127.0.0.1:1"]);
        config.validate().unwrap();
    }

    #[test]
    fn zero_entries_are_the_default() {
        assert_eq!(flags(&["--snapshot-count", "0"]).config().unwrap().snapshot_count, 10_000);
    }

    #[test]
    fn errors_name_flag_value_and_remedy() {
        let text = |args: &[&str]| flags(args).config().unwrap_err().to_string();
        assert_eq!(
            text(&["--initial-cluster", "m1"]),
            r#"--initial-cluster "m1": expected NAME=URL, as in m1=http://10.0.0.1:2380"#
        );
        assert_eq!(
            text(&["--listen-client-urls", "127.0.0.1:2379"]),
            r#"--listen-client-urls "127.0.0.1:2379": expected a URL such as http://127.0.0.1:2379"#
        );
    }

    #[test]
    fn a_name_outside_the_cluster_is_refused() {
        let config = flags(&["--name", "x", "--initial-cluster", "m1=http://127.0.0.1:1"]);
        let error = config.config().unwrap().identity().unwrap_err();
        assert!(error.to_string().contains(r#""x" is not in --initial-cluster (m1)"#), "{error}");
    }
}
