//! Enters each indeterminate write into the indexes by key, value and range.

use std::collections::BTreeSet;

use super::spans::end_of;
use super::{IndeterminateWrites, Plain, WritesOfKey};
use crate::history::{Blob, DeleteRangeRequest, PlainOp, PutRequest, Request, TxnPart, TxnRequest};
use crate::model::Span;

impl<'a> IndeterminateWrites<'a> {
    pub(super) fn enter_kind(&mut self, number: u32, request: &Request) {
        match (self.writes[number as usize].plain(), request) {
            (Plain::Put { key, .. }, _) => self.named(key).plain_puts.push(number),
            (Plain::Delete, Request::DeleteRange(delete)) => {
                self.named(&delete.key).plain_deletes.push(number);
            }
            _ => self.others.push(number),
        }
    }

    fn named(&mut self, key: &Blob) -> &mut WritesOfKey {
        let place = self.names.enter(key) as usize;
        if place == self.of_key.len() {
            self.of_key.push(WritesOfKey::default());
        }
        &mut self.of_key[place]
    }

    pub(super) fn enter(&mut self, number: u32, request: &'a Request) {
        match request {
            Request::Put(put) => self.enter_put(number, put),
            Request::DeleteRange(delete) => self.enter_delete(number, delete),
            Request::Txn(txn) => self.enter_txn(number, txn),
            _ => {}
        }
    }

    /// Enters the end of a lease. It deletes the attached keys, and no put with the lease can
    /// follow it.
    pub(super) fn enter_revoke(
        &mut self,
        number: u32,
        lease: i64,
        keys: Option<&BTreeSet<&'a Blob>>,
    ) {
        let own = &mut self.writes[number as usize];
        own.touches.push(end_of(lease));
        own.depends.push(end_of(lease));
        for key in keys.into_iter().flatten() {
            own.touches.push(Span::one(key));
            own.depends.push(Span::one(key));
            self.deletes.entry(key).or_default().push(number);
        }
        for key in keys.into_iter().flatten() {
            self.named(key);
        }
        self.ends = true;
    }

    fn enter_put(&mut self, number: u32, put: &'a PutRequest) {
        let own = &mut self.writes[number as usize];
        own.touches.push(Span::one(&put.key));
        if put.lease != 0 {
            own.depends.push(end_of(put.lease));
        }
        if put.ignore_value || put.ignore_lease {
            own.depends.push(Span::one(&put.key));
        }
        self.named(&put.key).suppliers.push(number);
        if put.ignore_value {
            self.keeps.entry(&put.key).or_default().push(number);
        } else {
            let values = self.puts.entry(&put.key).or_default();
            values.entry(&put.value).or_default().push(number);
        }
    }

    fn enter_delete(&mut self, number: u32, delete: &'a DeleteRangeRequest) {
        let span = Span::new(&delete.key, &delete.range_end);
        let own = &mut self.writes[number as usize];
        own.touches.push(span.clone());
        own.depends.push(span.clone());
        if span.is_one() {
            self.named(&delete.key);
            self.deletes.entry(&delete.key).or_default().push(number);
        } else {
            self.range_deletes.push((span, number));
        }
    }

    fn enter_txn(&mut self, number: u32, txn: &'a TxnRequest) {
        for part in txn.parts() {
            match part {
                TxnPart::Compare(compare) => {
                    let span = Span::new(&compare.key, &compare.range_end);
                    self.writes[number as usize].depends.push(span);
                }
                TxnPart::Op(PlainOp::Range(_)) => {}
                TxnPart::Op(PlainOp::Put(put)) => self.enter_put(number, put),
                TxnPart::Op(PlainOp::DeleteRange(delete)) => self.enter_delete(number, delete),
            }
        }
    }
}
