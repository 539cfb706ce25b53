//! Cursors as clients have them, and give them back.
use crate::{
    api::{App, extract::Read},
    problem::ApiError,
};
use axum::http::HeaderMap;
use gsm_engine::{EngineError, store::Cursor};

/// A cursor as clients have it.
pub(super) fn cursor_text(cursor: Cursor) -> String {
    format!("{}-{}", cursor.sequence, cursor.index)
}

/// The cursor that a client gives back.
pub(super) async fn given_cursor(
    app: &App,
    read: &Read,
    text: Option<&str>,
) -> Result<Option<Cursor>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let cursor = parse_cursor(text)?;
    let player = read.call.principal.player().ok_or(EngineError::Forbidden)?;
    if app.engine.may_have_given(player, cursor).await? {
        return Ok(Some(cursor));
    }
    Err(ApiError::parameter("cursor", "was not given out by this server: leave it out to begin anew"))
}

fn parse_cursor(text: &str) -> Result<Cursor, ApiError> {
    let plain = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    text.split_once('-')
        .filter(|(sequence, index)| plain(sequence) && plain(index))
        .and_then(|(sequence, index)| {
            Some(Cursor { sequence: sequence.parse().ok()?, index: index.parse().ok()? })
        })
        .ok_or_else(no_cursor)
}

fn no_cursor() -> ApiError {
    ApiError::parameter("cursor", "not a cursor of this stream")
}

/// The cursor that a client of server-sent events adds when it comes back, if it does.
///
/// # Errors
/// One that is no text.
pub(super) fn last_seen(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    headers.get("last-event-id").map(|value| value.to_str().map_err(|_| no_cursor())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_cursor_in_the_header_that_is_no_text_is_refused_as_one_that_is_none() {
        let with = |bytes: &[u8]| {
            HeaderMap::from_iter([(
                "last-event-id".parse().unwrap(),
                HeaderValue::from_bytes(bytes).unwrap(),
            )])
        };
        assert_eq!(last_seen(&HeaderMap::new()).unwrap(), None);
        assert_eq!(last_seen(&with(b"7-0")).unwrap(), Some("7-0"));
        let refused = [last_seen(&with(b"7-0\xff")).unwrap_err(), parse_cursor("nonsense").unwrap_err()];
        assert_eq!(refused[0], refused[1]);
    }

    #[test]
    fn a_cursor_is_two_numbers() {
        let read = |text| parse_cursor(text).ok().map(|cursor| (cursor.sequence, cursor.index));
        assert_eq!(read("12-3"), Some((12, 3)));
        for bad in ["", "12", "-", "12-", "-3", "+1-2", "1-2-3", "1-4294967296", "18446744073709551616-0"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
