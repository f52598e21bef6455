//! A list page by page: the first page says the revision, all later ones are read at that one.

use mettle_checker::history::{Blob, RangeRequest, Request, Response};
use mettle_scenarios::settings::wide;

use super::{Draw, KeyNames, Span};

/// Keys on one page, at most.
const LONGEST_PAGE: u64 = 500;

impl Draw<'_> {
    /// The first page of a list of all keys, or of those with the usual prefix.
    pub(super) fn first_page(&mut self) -> RangeRequest {
        let whole = self.percent(50);
        let Span { key, range_end } =
            if whole { KeyNames::everything() } else { KeyNames::prefix() };
        let most = LONGEST_PAGE.min(u64::from(self.keys.count()));
        let limit = wide(1, most, |low, high| self.stream.between(low, high)) as i64;
        RangeRequest { key, range_end, limit, ..RangeRequest::default() }
    }
}

/// The page after the one that was answered; nothing when that was the last.
pub(super) fn next_page(page: &Request, answer: &Response) -> Option<RangeRequest> {
    let (Request::Range(page), Response::Range(answer)) = (page, answer) else { return None };
    let last = answer.kvs.last().filter(|_| answer.more)?;
    let revision =
        if page.revision > 0 { page.revision } else { answer.header.map_or(0, |h| h.revision) };
    let key = Blob::from(&[&last.key[..], &[0]].concat()[..]);
    Some(RangeRequest { key, revision, ..page.clone() })
}

#[cfg(test)]
mod tests {
    use mettle_checker::history::{Header, KeyValue, RangeResponse};

    use super::*;

    fn answer(revision: i64, more: bool, keys: &[&str]) -> Response {
        let kv = |key: &&str| KeyValue { key: Blob::from(*key), ..KeyValue::default() };
        Response::Range(RangeResponse {
            header: Some(Header { revision, ..Header::default() }),
            kvs: keys.iter().map(kv).collect(),
            more,
            count: 9,
        })
    }

    #[test]
    fn pages_follow_each_other_at_the_revision_of_the_first() {
        let first = RangeRequest {
            key: Blob::from("k"),
            range_end: Blob::from("l"),
            limit: 2,
            ..RangeRequest::default()
        };
        let second = next_page(&Request::Range(first.clone()), &answer(7, true, &["k1", "k2"]));
        let second = second.unwrap();
        assert_eq!((&second.key[..], second.revision, second.limit), (&b"k2\0"[..], 7, 2));
        assert_eq!(second.range_end, first.range_end);
        let page = Request::Range(second);
        let third = next_page(&page, &answer(9, true, &["k3", "k4"])).unwrap();
        assert_eq!(third.revision, 7, "writes have come in between");
        assert_eq!(next_page(&page, &answer(9, false, &["k3"])), None);
    }
}
