//! The stored formats: one version byte, a checksum, postcard. What is read is either what was written or an error.
use super::xxh64::xxh64;
use gsm_core::Timestamp;
use gsm_engine::store::{ChangeSet, Row, Version};
use serde::{Serialize, de::DeserializeOwned};
use std::{convert::Infallible, sync::Arc};

/// What most values, and most change sets, have room in.
const VALUE_BYTES: usize = 256;
const SET_BYTES: usize = 2_048;

/// The newest format of everything in here; read tests with the first one's bytes are at the end of this file.
pub(super) const FORMAT: u8 = 1;

/// Why stored bytes were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodecError {
    /// Not the bytes that were written.
    #[error("its checksum does not fit")]
    Checksum,
    /// Too short, too long or of no known shape.
    #[error("its bytes have no shape that this gsm knows")]
    Shape,
    /// Written by a later release.
    #[error("its format `{0}` is newer than this release")]
    Newer(u8),
}

/// A checksum over `context` (what something is stored under) and `body`.
type Sum<const N: usize> = fn(context: &[u8], body: &[u8]) -> [u8; N];

/// For values of the tables, which lie in pages that are checked too.
fn short(context: &[u8], body: &[u8]) -> [u8; 8] {
    xxh64(xxh64(u64::from(FORMAT), context), body).to_le_bytes()
}

/// For groups of the journal, the only place where a commit is until the next checkpoint.
fn long(context: &[u8], body: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[FORMAT]).update(&(context.len() as u64).to_le_bytes()).update(context).update(body);
    let mut out = [0; 16];
    hasher.finalize_xof().fill(&mut out);
    out
}

/// Version byte, checksum, and the body that `fill` appends.
fn seal<const N: usize, E>(
    sum: Sum<N>,
    context: &[u8],
    capacity: usize,
    fill: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let mut out = Vec::with_capacity(1 + N + capacity);
    out.push(FORMAT);
    out.extend_from_slice(&[0; N]);
    let mut out = fill(out)?;
    if let Some((slot, body)) = out.get_mut(1..).and_then(|rest| rest.split_first_chunk_mut::<N>()) {
        *slot = sum(context, body);
    }
    Ok(out)
}

/// The body of what [`seal`] made under the same context.
fn unseal<'a, const N: usize>(sum: Sum<N>, context: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], CodecError> {
    let (&format, rest) = bytes.split_first().ok_or(CodecError::Shape)?;
    let (stored, body) = rest.split_first_chunk::<N>().ok_or(CodecError::Shape)?;
    // A flip in the version byte is damage; a later format that keeps this frame will be sealed with its own byte.
    match format {
        FORMAT if sum(context, body) == *stored => Ok(body),
        FORMAT => Err(CodecError::Checksum),
        other => Err(CodecError::Newer(other)),
    }
}

/// A value sealed under its key.
pub(super) fn seal_value<T: Serialize>(context: &[u8], value: &T) -> Result<Vec<u8>, CodecError> {
    seal(short, context, VALUE_BYTES, |out| postcard::to_extend(value, out)).map_err(|_| CodecError::Shape)
}

/// The value that was sealed under its key.
pub(super) fn unseal_value<T: DeserializeOwned>(context: &[u8], bytes: &[u8]) -> Result<T, CodecError> {
    exact(unseal(short, context, bytes)?)
}

/// Refuses left-over bytes, which postcard would pass over.
fn exact<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(CodecError::Shape),
    }
}

/// One change set: a version byte and postcard. Its checksum is its group's.
pub(super) fn encode_set(changes: &ChangeSet) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(SET_BYTES);
    out.push(FORMAT);
    postcard::to_extend(changes, out).map_err(|_| CodecError::Shape)
}

fn decode_set(bytes: &[u8]) -> Result<ChangeSet, CodecError> {
    match bytes.split_first() {
        Some((&FORMAT, body)) => exact(body),
        Some((&other, _)) => Err(CodecError::Newer(other)),
        None => Err(CodecError::Shape),
    }
}

/// Change sets that became durable together, in consecutive sequence.
#[derive(Debug, PartialEq)]
pub(super) struct Group {
    /// Sequence of the first set.
    pub(super) first: u64,
    /// Sequence of the last set before it in the journal; 0 if there is none.
    pub(super) previous: u64,
    /// The sets.
    pub(super) sets: Vec<ChangeSet>,
}

impl Group {
    /// Sequence of the last set.
    pub(super) fn last(&self) -> u64 {
        (self.first + self.sets.len() as u64).saturating_sub(1)
    }
}

/// A group's blob: sealed under its first sequence, so that a blob in another's place is found out.
pub(super) fn encode_group<'a>(
    first: u64,
    previous: u64,
    sets: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
) -> Vec<u8> {
    let bytes = 12 + sets.clone().map(|set| 4 + set.len()).sum::<usize>();
    let sealed = seal(long, &first.to_le_bytes(), bytes, |mut body| {
        body.extend_from_slice(&previous.to_le_bytes());
        body.extend_from_slice(&(sets.len() as u32).to_le_bytes());
        for set in sets {
            body.extend_from_slice(&(set.len() as u32).to_le_bytes());
            body.extend_from_slice(set);
        }
        Ok::<_, Infallible>(body)
    });
    sealed.unwrap_or_else(|never| match never {})
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], CodecError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(CodecError::Shape)?;
    *bytes = rest;
    Ok(*head)
}

/// Reads what [`encode_group`] made.
pub(super) fn decode_group(first: u64, blob: &[u8]) -> Result<Group, CodecError> {
    let mut rest = unseal(long, &first.to_le_bytes(), blob)?;
    let previous = u64::from_le_bytes(take(&mut rest)?);
    let count = u32::from_le_bytes(take(&mut rest)?);
    let mut sets = Vec::with_capacity((count as usize).min(super::limits::GROUP_SETS_MAX));
    for _ in 0..count {
        let len = u32::from_le_bytes(take(&mut rest)?) as usize;
        let (set, after) = rest.split_at_checked(len).ok_or(CodecError::Shape)?;
        rest = after;
        sets.push(decode_set(set)?);
    }
    if rest.is_empty() && !sets.is_empty() {
        Ok(Group { first, previous, sets })
    } else {
        Err(CodecError::Shape)
    }
}

/// A row as the tables hold it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredRow {
    /// Sequence of the commit that wrote it.
    pub(super) version: Version,
    /// From then on it is not there.
    pub(super) expires_at: Option<Timestamp>,
    /// The row.
    pub(super) row: Arc<Row>,
}

/// A row's bytes, sealed under its encoded key.
pub(super) fn encode_row(key: &[u8], stored: &StoredRow) -> Result<Vec<u8>, CodecError> {
    let head = (stored.version, stored.expires_at);
    let fill = |out| postcard::to_extend(&head, out).and_then(|out| postcard::to_extend(&*stored.row, out));
    seal(short, key, VALUE_BYTES, fill).map_err(|_| CodecError::Shape)
}

/// Reads what [`encode_row`] made.
pub(super) fn decode_row(key: &[u8], bytes: &[u8]) -> Result<StoredRow, CodecError> {
    let ((version, expires_at), row) = decode_bare(key, bytes)?;
    Ok(StoredRow { version, expires_at, row: Arc::new(row) })
}

/// A row's version and its end.
type Head = (Version, Option<Timestamp>);

/// The same, not to be shared.
pub(super) fn decode_bare(key: &[u8], bytes: &[u8]) -> Result<(Head, Row), CodecError> {
    let body = unseal(short, key, bytes)?;
    let (head, rest) = postcard::take_from_bytes(body).map_err(|_| CodecError::Shape)?;
    Ok((head, exact(rest)?))
}

/// Only the version and the end of a row.
pub(super) fn decode_head(key: &[u8], bytes: &[u8]) -> Result<Head, CodecError> {
    let body = unseal(short, key, bytes)?;
    postcard::take_from_bytes(body).map(|(head, _)| head).map_err(|_| CodecError::Shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::{CommitKey, PlayerId};
    use gsm_engine::store::{Key, PlayerRow};

    #[test]
    fn any_flipped_bit_is_found() {
        check_flips(short);
        check_flips(long);
    }

    fn check_flips<const N: usize>(sum: Sum<N>) {
        let fill = |mut out: Vec<u8>| {
            out.extend_from_slice(b"some body");
            Ok::<_, Infallible>(out)
        };
        let sealed = seal(sum, b"key", 0, fill).expect("never fails");
        assert_eq!(unseal(sum, b"key", &sealed), Ok(&b"some body"[..]));
        assert_eq!(unseal(sum, b"kez", &sealed), Err(CodecError::Checksum), "another's bytes");
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(sum, b"key", &bad).is_err(), "bit {bit}");
        }
        assert!(unseal(sum, b"key", &sealed[..5]).is_err());
    }

    fn hex(text: &str) -> Vec<u8> {
        let digit = |c: u8| (c as char).to_digit(16).expect("a digit") as u8;
        text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    fn player_row() -> Row {
        Row::Player(PlayerRow { name: None, external_id: None, created_at: Timestamp::from_millis(9) })
    }

    /// As the first release wrote it.
    const ROW_1: &str = "01a1fe628480a3413f0701d00f00000012";
    const GROUP_1: &str = concat!(
        "01a8582aef141b02ff51c48e5bbfcbae07050000000000000001000000300000",
        "0001100000000000000000000000000000000308010010000000000000000000",
        "0000000000000500000000001200000000",
    );

    #[test]
    fn format_1_stays_readable() {
        let key = Key::Player(PlayerId::from_u128(5));
        let stored = StoredRow {
            version: 7,
            expires_at: Some(Timestamp::from_millis(1_000)),
            row: Arc::new(player_row()),
        };
        let encoded = key.encode();
        assert_eq!(encode_row(&encoded, &stored), Ok(hex(ROW_1)), "and writes it still");
        assert_eq!(decode_row(&encoded, &hex(ROW_1)), Ok(stored.clone()));
        assert_eq!(decode_head(&encoded, &hex(ROW_1)), Ok((7, stored.expires_at)));

        let mut set = ChangeSet::new(CommitKey::from_u128(3), Timestamp::from_millis(4));
        set.create(key, player_row());
        let payload = encode_set(&set).expect("encodes");
        assert_eq!(encode_group(6, 5, [payload.as_slice()].into_iter()), hex(GROUP_1));
        let group = Group { first: 6, previous: 5, sets: vec![set] };
        assert_eq!(decode_group(6, &hex(GROUP_1)), Ok(group));
        assert_eq!(decode_group(7, &hex(GROUP_1)), Err(CodecError::Checksum), "in another's place");
    }
}
