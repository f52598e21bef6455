//! A checksum over what members say to each other: TCP's own misses a flipped bit now and then.

use mettle_api::peer::{Head, StandingResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::Status;

/// Bytes of the checksum in front of a payload.
const CRC_LEN: usize = 4;

/// A payload: a CRC32C (4 bytes, little-endian) over the postcard bytes behind it.
pub(super) fn seal(message: &impl Serialize) -> Vec<u8> {
    let mut payload = postcard::to_extend(message, vec![0; CRC_LEN])
        .expect("a message is plain bytes and numbers");
    let crc = crc32c::crc32c(&payload[CRC_LEN..]);
    payload[..CRC_LEN].copy_from_slice(&crc.to_le_bytes());
    payload
}

/// Reads what [`seal`] wrote.
pub(super) fn open<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Status> {
    let Some((stored, body)) = payload.split_first_chunk::<CRC_LEN>() else {
        return Err(damaged("message"));
    };
    if crc32c::crc32c(body) != u32::from_le_bytes(*stored) {
        return Err(damaged("message"));
    }
    postcard::from_bytes(body)
        .map_err(|error| Status::invalid_argument(format!("undecodable message: {error}")))
}

/// The refusal of bytes that are not those that were sent.
pub(super) fn damaged(what: &str) -> Status {
    crate::probe!("bytes damaged between members");
    Status::data_loss(format!("a {what} was damaged on its way"))
}

/// The checksum over the other fields of a head.
pub(super) fn crc_of_head(head: &Head) -> u32 {
    let Head { format_version, cluster_id, from, to, incarnation, boot, term, last_index, crc: _ } =
        *head;
    crc_of(&[format_version.into(), cluster_id, from, to, incarnation, boot, term, last_index])
}

/// The checksum over the other fields of an answer.
pub(super) fn crc_of_standing(standing: &StandingResponse) -> u32 {
    let StandingResponse { empty, known_incarnation, known_boot, crc: _ } = *standing;
    crc_of(&[empty.into(), known_incarnation, known_boot])
}

fn crc_of(numbers: &[u64]) -> u32 {
    numbers.iter().fold(0, |crc, number| crc32c::crc32c_append(crc, &number.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_message_is_found() {
        let message = ("a", 7u64, vec![1u8, 2, 3]);
        let sealed = seal(&message);
        let opened: (String, u64, Vec<u8>) = open(&sealed).expect("it is whole");
        assert_eq!((opened.0.as_str(), opened.1, &opened.2), ("a", 7, &message.2));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open::<(String, u64, Vec<u8>)>(&flipped).is_err(), "bit {bit}");
        }
        assert!(open::<(String, u64, Vec<u8>)>(&sealed[..3]).is_err());
    }

    #[test]
    fn heads_and_answers_differ_in_their_checksums() {
        let head = Head { incarnation: 5, ..Head::default() };
        assert_ne!(crc_of_head(&head), crc_of_head(&Head { incarnation: 4, ..head }));
        let answer = StandingResponse { empty: true, ..StandingResponse::default() };
        let other = StandingResponse { known_incarnation: 1, ..answer };
        assert_ne!(crc_of_standing(&answer), crc_of_standing(&other));
    }
}
