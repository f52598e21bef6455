//! A member that lost its disk never comes back as though it remembered.

use super::cluster::{Cluster, Program, etcdctl_missing};

fn get(cluster: &Cluster, n: usize) -> String {
    let endpoint = format!("endpoints={}", cluster.client_addr(n));
    cluster.etcdctl(&["--command-timeout=3s", &endpoint, "get", "k", "--print-value-only"], "")
}

#[test]
fn a_wiped_member_refuses_and_the_acknowledged_write_stays() {
    if etcdctl_missing() {
        return;
    }
    let mut cluster = Cluster::start(Program::Mettled, 3);
    cluster.etcdctl(&["put", "k", "old"], "");
    cluster.kill(2);
    assert_eq!(cluster.etcdctl(&["put", "k", "acknowledged"], ""), "OK\n");
    cluster.kill(0);
    cluster.kill(1);
    cluster.wipe(1);
    cluster.start_member(2);
    cluster.start_member(1);
    let said = cluster.end_of(1);
    assert!(said.contains("knows this member"), "{said}");
    assert!(get(&cluster, 2).starts_with("Error:"), "one of three is no quorum");
    cluster.start_member(0);
    cluster.wait_until_serving();
    assert_eq!(get(&cluster, 2), "acknowledged\n");
}

#[test]
fn a_member_that_comes_late_joins_the_cluster_it_was_declared_in() {
    if etcdctl_missing() {
        return;
    }
    let mut cluster = Cluster::start_some(Program::Mettled, 3, 2);
    assert_eq!(cluster.etcdctl(&["put", "k", "early"], ""), "OK\n");
    cluster.start_member(2);
    cluster.wait_until_serving();
    assert_eq!(get(&cluster, 2), "early\n");
}
