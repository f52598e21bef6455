//! The configuration of a member, made from the plan.

use std::net::SocketAddr;
use std::time::Duration;

use mettle_scenarios::plan::Plan;
use mettle_scenarios::settings::LimitSettings;
use mettle_server::config::{Config, InitialMember};
use mettle_server::limits::{Limits, StoreLimits, WatchLimits};

use crate::host::{CLIENT_PORT, Host, PEER_PORT};
use crate::member::Member;

/// The configuration of member `number`.
pub fn config(plan: &Plan, number: Member) -> Config {
    let addr = |number: Member, port| SocketAddr::new(Host::Member(number).ip(), port);
    let client = addr(number, CLIENT_PORT);
    let peer = addr(number, PEER_PORT);
    let initial_cluster = Member::all(plan.members)
        .map(|number| {
            let peer_addr = addr(number, PEER_PORT);
            let peer_urls = vec![format!("http://{peer_addr}")];
            InitialMember { name: format!("{number}"), peer_urls, peer_addr }
        })
        .collect();
    Config {
        name: format!("{number}"),
        listen_client: vec![client],
        listen_peer: vec![peer],
        advertise_client_urls: vec![format!("http://{client}")],
        initial_cluster,
        initial_cluster_token: "mettle-sim".to_owned(),
        heartbeat_interval: Duration::from_millis(plan.cluster.heartbeat_ms),
        election_timeout: Duration::from_millis(plan.cluster.election_ms),
        snapshot_count: plan.cluster.snapshot_count,
        snapshot_catchup_entries: plan.cluster.catch_up_entries,
        quota_backend_bytes: 0,
        max_request_bytes: 1_572_864,
        max_txn_ops: 128,
        watch_progress_interval: Duration::from_secs(2),
        wal_segment_bytes: plan.limits.wal_segment_bytes,
        limits: limits(&plan.limits),
    }
}

fn limits(drawn: &LimitSettings) -> Limits {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        append_bytes: count(drawn.append_bytes),
        inflight_appends: count(drawn.inflight_appends),
        inbox_events: count(drawn.inbox_events),
        turn_events: count(drawn.turn_events),
        outbox_messages: count(drawn.outbox_messages),
        wal_buffer_bytes: count(drawn.wal_buffer_bytes),
        store: StoreLimits {
            compaction_step_records: count(drawn.compaction_step),
            snapshot_chunk_bytes: count(drawn.chunk_bytes),
        },
        watch: WatchLimits {
            outbox_responses: count(drawn.stream_responses),
            fragment_bytes: count(drawn.response_bytes),
            response_bytes: count(drawn.response_bytes),
            scan_changes: count(drawn.scan_changes),
            sync_watchers: count(drawn.sync_watchers),
            ..WatchLimits::default()
        },
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use mettle_server::probe::NAMES;

    use super::*;
    use crate::planner;

    #[test]
    fn members_find_each_other_and_clients_find_them() {
        let text = "title = 't'\nwhy = 'w'\n[cluster]\nmembers = 3\n";
        let scenario = mettle_scenarios::parse("x", "test/x", text, NAMES).unwrap();
        let plan = planner::plan(&scenario, 1, &[]);
        let configs: Vec<Config> = Member::all(3).map(|member| config(&plan, member)).collect();
        for (member, config) in Member::all(3).zip(&configs) {
            assert_eq!(config.name, member.to_string());
            assert_eq!(config.initial_cluster.len(), 3);
            let own = &config.initial_cluster[member.index()];
            assert_eq!((&own.name, &[own.peer_addr][..]), (&config.name, &config.listen_peer[..]));
            let client = SocketAddr::new(Host::Member(member).ip(), CLIENT_PORT);
            assert_eq!(config.listen_client, [client]);
            let same = config.initial_cluster.iter().map(|peer| peer.peer_addr);
            assert!(same.eq(configs[0].initial_cluster.iter().map(|peer| peer.peer_addr)));
        }
    }
}
