//! Decides whether a recorded history is legal under etcd's API guarantees.

pub mod history;
