//! Getting the bytes of a body: media type, size, time.
use super::{JsonFault, JsonLimits};
use crate::front::WireFault;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use std::future::{Future, ready};

/// For routes that take no body: reads and forgets what a client sends all the same, at most `bytes_max` bytes of it, so
/// that the connection can go on.
pub async fn forget(mut body: Body, bytes_max: usize) -> Result<(), JsonFault> {
    let mut left = bytes_max;
    if body.size_hint().lower() > left as u64 {
        return Err(JsonFault::TooLarge { bytes_max });
    }
    while let Some(frame) = body.frame().await {
        let len = frame.map_err(|error| broken(&error))?.data_ref().map_or(0, Bytes::len);
        left = left.checked_sub(len).ok_or(JsonFault::TooLarge { bytes_max })?;
    }
    Ok(())
}

/// Reads a whole body of at most `bytes_max` bytes.
pub async fn read(body: Body, bytes_max: usize) -> Result<Bytes, JsonFault> {
    let (bytes, _) = read_in_turn(body, bytes_max, bytes_max, ready(())).await?;
    Ok(bytes)
}

/// Reads a body as [`read`] does. What it has above `small_max` is read only when `turn` has come; what that gave is there where
/// it was waited for.
///
/// # Errors
/// As [`read`].
pub async fn read_in_turn<T>(
    mut body: Body,
    small_max: usize,
    bytes_max: usize,
    turn: impl Future<Output = T>,
) -> Result<(Bytes, Option<T>), JsonFault> {
    let too_large = JsonFault::TooLarge { bytes_max };
    let declared = body.size_hint().lower();
    if declared > bytes_max as u64 {
        return Err(too_large);
    }
    let (mut turn, mut place) = (Some(turn), None);
    if declared > small_max as u64
        && let Some(turn) = turn.take()
    {
        place = Some(turn.await);
    }
    let mut first = Bytes::new();
    let mut whole: Option<Vec<u8>> = None;
    while let Some(frame) = body.frame().await {
        // Frames that are no data are trailers, and the wire lets none through.
        let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
        let so_far = whole.as_ref().map_or(first.len(), Vec::len);
        if so_far + data.len() > bytes_max {
            return Err(too_large);
        }
        if so_far + data.len() > small_max
            && let Some(turn) = turn.take()
        {
            place = Some(turn.await);
        }
        if so_far == 0 {
            first = data;
            continue;
        }
        whole
            .get_or_insert_with(|| {
                let mut start = Vec::with_capacity((declared as usize).max(first.len() * 2));
                start.extend_from_slice(&first);
                start
            })
            .extend_from_slice(&data);
    }
    Ok((whole.map_or(first, Bytes::from), place))
}

fn broken(error: &axum::Error) -> JsonFault {
    WireFault::find(error).map_or(JsonFault::CutOff, JsonFault::Wire)
}

/// Whether the headers announce the body that `limits` wants: uncompressed, and of its media type.
pub fn check_headers(headers: &HeaderMap, limits: &JsonLimits) -> Result<(), JsonFault> {
    check_coding(headers)?;
    check_media_type(headers, limits.media_type)
}

/// Whether the headers announce no Content-Encoding. `identity` is one too: it is for Accept-Encoding alone (RFC 9110, 8.4).
pub fn check_coding(headers: &HeaderMap) -> Result<(), JsonFault> {
    if headers.contains_key(header::CONTENT_ENCODING) { Err(JsonFault::Encoding) } else { Ok(()) }
}

fn check_media_type(headers: &HeaderMap, expected: &'static str) -> Result<(), JsonFault> {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let fits = match (all.next().and_then(|value| value.to_str().ok()), all.next()) {
        (Some(value), None) => is_media_type(value, expected),
        _ => false,
    };
    if fits { Ok(()) } else { Err(JsonFault::MediaType { expected }) }
}

pub(super) fn is_media_type(value: &str, expected: &str) -> bool {
    let (essence, parameter) =
        value.split_once(';').map_or((value, None), |(essence, rest)| (essence, Some(rest)));
    let charset = parameter.is_none_or(|p| {
        p.split_once('=').is_some_and(|(name, value)| {
            let value = value.trim_end();
            let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
            name.trim_start().eq_ignore_ascii_case("charset") && value.eq_ignore_ascii_case("utf-8")
        })
    });
    charset && essence.trim().eq_ignore_ascii_case(expected)
}
