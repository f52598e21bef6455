//! Leases of the little world: granted, renewed, revoked, expiring.

use std::collections::BTreeMap;

use mettle_checker::history::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveResponse, LeaseLeasesRequest,
    LeaseLeasesResponse, LeaseRequest, LeaseRevokeResponse, LeaseStatus, LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse, Record, Request, Response,
};

use super::World;

/// In a world with leases a tick is so many nanoseconds, so that seconds are not for ever.
pub(crate) const TICK_NS: u64 = 20_000_000;
const SECOND: u64 = 1_000_000_000 / TICK_NS;

const NOT_FOUND: &str = "etcdserver: requested lease not found";

/// A lease that is there.
struct Life {
    ttl: i64,
    /// When it was granted or renewed last.
    since: u64,
    /// When the server ends it, unless it is renewed.
    until: u64,
}

/// All leases of a world.
#[derive(Default)]
pub(crate) struct Leases {
    alive: BTreeMap<i64, Life>,
    /// The last number asked for.
    last: i64,
}

impl Leases {
    /// Whether a put with a lease is refused.
    pub(super) fn refuses(&self, lease: i64) -> bool {
        lease != 0 && !self.alive.contains_key(&lease)
    }
}

impl World {
    /// A lease for a put: one that is there, or, where that may be refused, any.
    pub(super) fn lease(&mut self, any: bool) -> i64 {
        if self.shape.leases == 0 || self.dice.chance(50) {
            return 0;
        }
        if any && self.dice.chance(30) {
            return self.number();
        }
        let alive: Vec<i64> = self.leases.alive.keys().copied().collect();
        match alive.len() {
            0 => 0,
            count => alive[self.dice.below(count as u64) as usize],
        }
    }

    fn number(&mut self) -> i64 {
        1 + self.dice.below(self.leases.last as u64 + 1) as i64
    }

    /// Asks something of the lease service.
    pub(super) fn lease_request(&mut self) -> Request {
        let more = self.leases.last < self.shape.leases as i64;
        match self.dice.below(if self.shape.renewals { 8 } else { 5 }) {
            0..3 if more => {
                self.leases.last += 1;
                let ttl = 1 + self.dice.below(5) as i64;
                Request::LeaseGrant(LeaseGrantRequest { id: self.leases.last, ttl })
            }
            3 => {
                // One that is there is refused; one that is over is not asked for again.
                let alive = self.leases.alive.keys().next().copied();
                let id = alive.unwrap_or(0);
                match id {
                    0 => Request::LeaseRevoke(LeaseRequest { id: self.number() }),
                    id => Request::LeaseGrant(LeaseGrantRequest { id, ttl: 3 }),
                }
            }
            0..5 => Request::LeaseRevoke(LeaseRequest { id: self.number() }),
            5 => Request::LeaseKeepAlive(LeaseRequest { id: self.number() }),
            6 => {
                let keys = self.dice.chance(50);
                Request::LeaseTimeToLive(LeaseTimeToLiveRequest { id: self.number(), keys })
            }
            _ => Request::LeaseLeases(LeaseLeasesRequest {}),
        }
    }

    /// Ends every lease that is due by a time.
    pub(super) fn expire(&mut self, now: u64) {
        while let Some((until, id)) =
            self.leases.alive.iter().map(|(id, life)| (life.until, *id)).min()
            && until <= now
        {
            self.leases.alive.remove(&id);
            let ended = self.store.execute(&Request::LeaseRevoke(LeaseRequest { id }));
            assert!(ended.is_ok(), "a revocation is not refused by the store");
            self.note(until);
        }
    }

    fn live(&mut self, ttl: i64, at: u64) -> Life {
        let until = at + ttl as u64 * SECOND + self.dice.below(40);
        Life { ttl, since: at, until }
    }

    /// Does what was asked of the lease service; None if it was not asked.
    pub(super) fn apply_lease(
        &mut self,
        request: &Request,
        at: u64,
    ) -> Option<Result<Response, &'static str>> {
        Some(match request {
            Request::LeaseGrant(grant) if self.leases.alive.contains_key(&grant.id) => {
                Err("etcdserver: lease already exists")
            }
            Request::LeaseGrant(grant) => {
                let life = self.live(grant.ttl, at);
                self.leases.alive.insert(grant.id, life);
                let header = Some(self.header());
                let (id, ttl) = (grant.id, grant.ttl);
                Ok(Response::LeaseGrant(LeaseGrantResponse { header, id, ttl }))
            }
            Request::LeaseRevoke(lease) => {
                if self.leases.alive.remove(&lease.id).is_none() {
                    return Some(Err(NOT_FOUND));
                }
                let _ = self.store.execute(request);
                self.note(at);
                let header = Some(self.header());
                Ok(Response::LeaseRevoke(LeaseRevokeResponse { header }))
            }
            Request::LeaseKeepAlive(lease) => {
                let ttl = self.leases.alive.get(&lease.id).map_or(0, |life| life.ttl);
                if ttl > 0 {
                    let life = self.live(ttl, at);
                    self.leases.alive.insert(lease.id, life);
                }
                let (header, id) = (Some(self.header()), lease.id);
                Ok(Response::LeaseKeepAlive(LeaseKeepAliveResponse { header, id, ttl }))
            }
            Request::LeaseTimeToLive(asked) => {
                let mut answer = LeaseTimeToLiveResponse {
                    header: Some(self.header()),
                    id: asked.id,
                    ttl: -1,
                    ..LeaseTimeToLiveResponse::default()
                };
                if let Some(life) = self.leases.alive.get(&asked.id) {
                    let end = life.since + life.ttl as u64 * SECOND;
                    answer.ttl = (end.saturating_sub(at) / SECOND) as i64;
                    answer.granted_ttl = life.ttl;
                    if asked.keys {
                        answer.keys = self.store.attached(asked.id);
                    }
                }
                Ok(Response::LeaseTimeToLive(answer))
            }
            Request::LeaseLeases(_) => {
                let leases = self.leases.alive.keys().map(|id| LeaseStatus { id: *id }).collect();
                let header = Some(self.header());
                Ok(Response::LeaseLeases(LeaseLeasesResponse { header, leases }))
            }
            Request::Put(put) if self.leases.refuses(put.lease) => Err(NOT_FOUND),
            _ => return None,
        })
    }
}

/// Stretches the times of a world with leases.
pub(super) fn stretch(records: &mut [Record]) {
    for record in records {
        record.call_ns *= TICK_NS;
        record.return_ns = record.return_ns.map(|at| at * TICK_NS);
    }
}
