//! One request's work. Its matches are read, answered and written one after another, so that a request of 25 MB needs
//! little more than its answer.
use super::{
    BODY_BYTES_MAX,
    body::{Body, Item},
    oracle::Oracle,
    people::{LINES, fault, in_line, unread, unread_line},
    render::{Media, Shape, Written},
    stream, table,
};
use crate::{
    front::strict_json::{self, JsonLimits},
    problem::ApiError,
};
use axum::http::StatusCode;
use gsm_core::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};

/// JSON of more bytes is read as a stream.
pub(super) const WHOLE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer.
pub(super) const ANSWER_BYTES_MAX: usize = 128 << 20;

/// JSON here: small documents, or as many matches as the platform lets through.
const LIMITS: JsonLimits = JsonLimits {
    media_type: "application/json",
    bytes_max: BODY_BYTES_MAX,
    depth_max: 8,
    members_max: BODY_BYTES_MAX,
    number_chars_max: 64,
};

/// One request's work.
pub(super) struct Work<'a> {
    pub(super) oracle: &'a Oracle,
    pub(super) now: Timestamp,
    /// Of the answer, [`ANSWER_BYTES_MAX`].
    pub(super) bytes_max: usize,
    /// Nobody waits for it any more.
    pub(super) given_up: &'a AtomicBool,
}

impl Work<'_> {
    /// The answer's body.
    pub(super) fn done(&self, bytes: &[u8], media: Media, accepted: Media) -> Result<Vec<u8>, ApiError> {
        let mut out = Written::new(accepted);
        let shape = match media {
            Media::Json => self.json(bytes, &mut out)?,
            Media::Lines => self.lines(bytes, &mut out)?,
            Media::Csv => self.csv(bytes, &mut out)?,
        };
        Ok(out.whole(shape))
    }

    fn answer(&self, item: &Item, out: &mut Written) -> Result<(), ApiError> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(too_late());
        }
        let answer =
            self.oracle.answer(&item.asked).map_err(|error| fault("invalid", "", error.to_string()))?;
        let added = if item.is_bare { out.bare(answer.quality) } else { out.full(&answer) };
        added.map_err(|error| ApiError::internal(error.to_string()))?;
        if out.bytes() > self.bytes_max { Err(too_much(self.bytes_max)) } else { Ok(()) }
    }

    fn one(&self, body: &Body, path: &str, out: &mut Written) -> Result<(), ApiError> {
        self.answer(&body.item(path, self.now)?, out)
    }

    fn json(&self, bytes: &[u8], out: &mut Written) -> Result<Shape, ApiError> {
        let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        let mut take = |body: Body, path: &str| self.one(&body, path, out);
        if is_list {
            stream::list(bytes, &LIMITS, &mut take)?;
            return Ok(Shape::List);
        }
        if bytes.len() > WHOLE_BYTES_MAX {
            let has_instances = stream::object(bytes, &LIMITS, &mut take)?;
            return Ok(if has_instances { Shape::Predictions } else { Shape::One });
        }
        let mut body: Body = strict_json::parse(bytes, &LIMITS).map_err(unread)?;
        let Some(all) = body.take_instances()? else {
            take(body, "")?;
            return Ok(Shape::One);
        };
        for (of, nth) in all.into_iter().zip(0..) {
            take(of, &format!("instances[{nth}]."))?;
        }
        Ok(Shape::Predictions)
    }

    fn lines(&self, bytes: &[u8], out: &mut Written) -> Result<Shape, ApiError> {
        let mut is_empty = true;
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            is_empty = false;
            let read = if line.len() > WHOLE_BYTES_MAX {
                stream::one(line, &LIMITS)
            } else {
                strict_json::parse::<Body>(line, &LIMITS)
            };
            let body = read.map_err(|fault| unread_line(fault, number))?;
            self.one(&body, "", out).map_err(|error| in_line(error, number))?;
        }
        if is_empty { Err(unread(strict_json::JsonFault::Empty).hint(LINES)) } else { Ok(Shape::List) }
    }

    fn csv(&self, bytes: &[u8], out: &mut Written) -> Result<Shape, ApiError> {
        let text = std::str::from_utf8(bytes).map_err(|_| fault("invalid", "", "the table is not UTF-8"))?;
        let (rows, head) = table::rows(text.trim_start_matches('\u{feff}'), |id| self.oracle.knows(id))?;
        let mut rows = rows.peekable();
        // A head without rows is a table of no matches, as `instances` may be empty.
        if rows.peek().is_none() && !head.is_told() {
            return Err(ApiError::from(strict_json::JsonFault::Empty).hint(table::HEADS));
        }
        for (line, row) in rows {
            self.answer(&head.item(line, row, self.now)?, out)?;
        }
        Ok(Shape::Predictions)
    }
}

fn too_much(bytes_max: usize) -> ApiError {
    let detail = format!("the answer would have more than {} MiB", bytes_max >> 20);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "answer_too_large", detail)
        .hint("send fewer matches in one request, or do not ask for explanations")
}

pub(super) fn too_late() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "deadline", "the answer took longer than it may")
        .hint("send fewer matches in one request")
}
