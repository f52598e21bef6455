//! Groups resolve among those that run, repeatably.

use super::*;

fn view(running: &[u32], leader: Option<u32>) -> ClusterView {
    ClusterView {
        streams: Streams::new(7),
        members: Member::all(5).collect(),
        running: running.iter().copied().map(Member::of).collect(),
        leader: leader.map(Member::of),
        struck: Vec::new(),
    }
}

fn numbers(members: &[Member]) -> Vec<u32> {
    members.iter().copied().map(u32::from).collect()
}

fn group(view: &ClusterView, id: u32, group: Group) -> Vec<u32> {
    view.resolve(id, Target::Group(group))
        .map_or_else(Vec::new, |resolved| numbers(&resolved.group))
}

#[test]
fn groups_have_their_sizes() {
    let view = view(&[1, 2, 3, 4, 5], Some(2));
    for id in 0..50 {
        assert_eq!(group(&view, id, Group::Leader), [2]);
        assert_eq!(group(&view, id, Group::Member(4)), [4]);
        assert_eq!(group(&view, id, Group::All), [1, 2, 3, 4, 5]);
        assert_eq!(group(&view, id, Group::Minority).len(), 2);
        assert_eq!(group(&view, id, Group::Majority).len(), 3);
        assert_ne!(group(&view, id, Group::Follower), [2]);
        assert_eq!(group(&view, id, Group::Any), group(&view, id, Group::Any));
    }
    let chosen: std::collections::BTreeSet<_> =
        (0..50).flat_map(|id| group(&view, id, Group::Any)).collect();
    assert_eq!(chosen.len(), 5);
}

#[test]
fn the_dead_are_not_struck_and_the_rest_is_everyone_else() {
    let view = view(&[1, 3], Some(2));
    assert_eq!(view.resolve(1, Target::Group(Group::Member(2))), None);
    let resolved = view.resolve(1, Target::Group(Group::Leader)).unwrap();
    assert_eq!(resolved.group.len(), 1, "any member when the leader is down");
    assert_eq!(resolved.group.len() + resolved.rest.len(), 5);
}

#[test]
fn a_link_leaves_its_speakers_out_of_its_hearers() {
    let view = view(&[1, 2, 3], Some(1));
    let link = |from, to| Target::Link(Link { from, to });
    let resolved = view.resolve(1, link(Group::Leader, Group::All)).unwrap();
    assert_eq!((numbers(&resolved.group), numbers(&resolved.rest)), (vec![1], vec![2, 3]));
    assert_eq!(resolved.to_string(), "m1 -> m2 m3");
    let resolved = view.resolve(1, link(Group::All, Group::Leader)).unwrap();
    assert_eq!((numbers(&resolved.group), numbers(&resolved.rest)), (vec![2, 3], vec![1]));
    assert_eq!(view.resolve(1, link(Group::Member(1), Group::Member(1))), None);
}

#[test]
fn two_groups_together_are_their_members_each_once() {
    let mut view = view(&[1, 2, 3, 4, 5], Some(2));
    view.struck = vec![Member::of(2), Member::of(5)];
    for id in 0..50 {
        let both = |groups| numbers(&view.resolve(id, Target::Both(groups)).unwrap().group);
        assert_eq!(both([Group::Struck, Group::Leader]), [2, 5]);
        assert_eq!(both([Group::Follower, Group::Follower]).len(), 2);
        assert!((1..=5).contains(&group(&view, id, Group::Some).len()));
    }
}

#[test]
fn a_disk_is_exchanged_with_that_of_another() {
    let view = view(&[1, 2, 3], Some(1));
    let alone = view.resolve(1, Target::Group(Group::Leader)).unwrap();
    let pair = view.with_partner(1, alone.clone(), &view.running).unwrap();
    assert_eq!((pair.group.len(), pair.rest.len()), (2, 3));
    assert_eq!(view.with_partner(1, alone.clone(), &alone.group), None, "there is no other");
}
