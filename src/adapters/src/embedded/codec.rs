//! The stored formats: one version byte, a checksum, postcard. What is read is either what was written or an error.
use gsm_core::Timestamp;
use gsm_engine::store::{ChangeSet, Row, Version};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// The newest format of everything in here; read tests with the first one's bytes are in `testdata/store/`.
pub(super) const FORMAT: u8 = 1;

/// Why stored bytes were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodecError {
    /// Not the bytes that were written.
    #[error("its checksum does not fit")]
    Checksum,
    /// Too short, too long or of no known shape.
    #[error("its bytes have no known shape")]
    Shape,
    /// Written by a later release.
    #[error("its format `{0}` is newer than this release")]
    Newer(u8),
}

fn sum<const N: usize>(context: &[u8], body: &[u8]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[FORMAT]).update(&(context.len() as u64).to_le_bytes()).update(context).update(body);
    let mut out = [0; N];
    hasher.finalize_xof().fill(&mut out);
    out
}

/// Version byte, `N` bytes of checksum over `context` (what it is stored under) and `body`, then `body`.
pub(super) fn seal<const N: usize>(context: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + N + body.len());
    out.push(FORMAT);
    out.extend_from_slice(&sum::<N>(context, body));
    out.extend_from_slice(body);
    out
}

/// The body of what [`seal`] made under the same context.
pub(super) fn unseal<'a, const N: usize>(context: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], CodecError> {
    let (&format, rest) = bytes.split_first().ok_or(CodecError::Shape)?;
    let (stored, body) = rest.split_first_chunk::<N>().ok_or(CodecError::Shape)?;
    // A flip in the version byte is damage; a later format that keeps this frame will be sealed with its own byte.
    match format {
        FORMAT if sum::<N>(context, body) == *stored => Ok(body),
        FORMAT => Err(CodecError::Checksum),
        other => Err(CodecError::Newer(other)),
    }
}

/// A value sealed under its key.
pub(super) fn seal_value<T: Serialize>(context: &[u8], value: &T) -> Result<Vec<u8>, CodecError> {
    let body = postcard::to_stdvec(value).map_err(|_| CodecError::Shape)?;
    Ok(seal::<8>(context, &body))
}

/// The value that was sealed under its key.
pub(super) fn unseal_value<T: DeserializeOwned>(context: &[u8], bytes: &[u8]) -> Result<T, CodecError> {
    exact(unseal::<8>(context, bytes)?)
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
    postcard::to_extend(changes, vec![FORMAT]).map_err(|_| CodecError::Shape)
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
    sets: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let mut body = previous.to_le_bytes().to_vec();
    body.extend_from_slice(&(sets.len() as u32).to_le_bytes());
    for set in sets {
        body.extend_from_slice(&(set.len() as u32).to_le_bytes());
        body.extend_from_slice(set);
    }
    seal::<16>(&first.to_le_bytes(), &body)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], CodecError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(CodecError::Shape)?;
    *bytes = rest;
    Ok(*head)
}

/// Reads what [`encode_group`] made.
pub(super) fn decode_group(first: u64, blob: &[u8]) -> Result<Group, CodecError> {
    let mut rest = unseal::<16>(&first.to_le_bytes(), blob)?;
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
    let body = postcard::to_stdvec(&head).and_then(|head| postcard::to_extend(&*stored.row, head));
    Ok(seal::<8>(key, &body.map_err(|_| CodecError::Shape)?))
}

/// Reads what [`encode_row`] made.
pub(super) fn decode_row(key: &[u8], bytes: &[u8]) -> Result<StoredRow, CodecError> {
    let body = unseal::<8>(key, bytes)?;
    let ((version, expires_at), rest) = postcard::take_from_bytes(body).map_err(|_| CodecError::Shape)?;
    Ok(StoredRow { version, expires_at, row: Arc::new(exact::<Row>(rest)?) })
}

/// Only the version and the end of a row.
pub(super) fn decode_head(key: &[u8], bytes: &[u8]) -> Result<(Version, Option<Timestamp>), CodecError> {
    let body = unseal::<8>(key, bytes)?;
    postcard::take_from_bytes(body).map(|(head, _)| head).map_err(|_| CodecError::Shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flipped_bit_is_found() {
        let sealed = seal::<8>(b"key", b"some body");
        assert_eq!(unseal::<8>(b"key", &sealed), Ok(&b"some body"[..]));
        assert_eq!(unseal::<8>(b"kez", &sealed), Err(CodecError::Checksum), "another's bytes");
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal::<8>(b"key", &bad).is_err(), "bit {bit}");
        }
        assert!(unseal::<8>(b"key", &sealed[..5]).is_err());
    }
}
