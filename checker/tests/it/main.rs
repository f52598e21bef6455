//! The judge from outside: each module tests one subject, on histories that `world` makes.

mod ambiguous_writes;
mod branch_not_taken;
mod brute_force_leases;
mod brute_force_order;
mod follow;
mod forgetful_store;
mod initial_store;
mod legal_histories;
mod minimal_evidence;
mod soak;
mod world;
