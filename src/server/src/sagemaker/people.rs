//! A player of a request: an id, or numbers that say how good he is.
use crate::{front::strict_json::JsonFault, problem::ApiError};
use axum::http::StatusCode;
use gsm_ml::{Guest, MlError};
use serde_json::{Map, Value};

/// Longest id, in bytes: that of match histories.
const ID_BYTES_MAX: usize = 128;
/// Names of a rating, of its deviation, and of the number of matches. The first of each is ours; the others are what rows
/// of other services call them. A player has one of each.
const RATING: [&str; 5] = ["rating", "skill", "skill_rating", "mmr", "elo"];
const DEVIATION: [&str; 3] = ["deviation", "rd", "uncertainty"];
const GAMES: [&str; 4] = ["games", "games_played", "matches", "matches_played"];
const IDS: [&str; 3] = ["id", "player_id", "player"];

/// Who.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Someone {
    /// One whom the model may know; else he is as good as these numbers say, or as a newcomer.
    Id(String, Option<Guest>),
    Guest(Guest),
}

impl Someone {
    /// The id of who has one.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Id(id, _) => Some(id),
            Self::Guest(_) => None,
        }
    }
}

/// How much of what is not known here is let pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Nothing.
    Strict,
    /// Features that the model has no use for: rows of another service's players.
    Lenient,
}

/// Where it is told what requests look like: this server has no OpenAPI document.
const SEE: &str = "see sagemaker/models/inference.schema.json";
/// What JSON lines are.
pub(super) const LINES: &str = "send one JSON document a line, in UTF-8 (RFC 8259)";

pub(super) fn fault(code: &'static str, field: &str, detail: impl std::fmt::Display) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail.to_string()).hint(SEE).field(field)
}

/// Of a document that cannot be read.
pub(super) fn unread(fault: JsonFault) -> ApiError {
    let is_field = matches!(fault, JsonFault::Field(_));
    let error = ApiError::from(fault);
    if is_field { error.hint(SEE) } else { error }
}

/// Of a line, from 1, that cannot be read; one document stands in each.
pub(super) fn unread_line(fault: JsonFault, number: usize) -> ApiError {
    match fault {
        JsonFault::Syntax { why, column, .. } => {
            unread(JsonFault::Syntax { why, line: number, column }).hint(LINES)
        }
        JsonFault::Number { column, .. } => unread(JsonFault::Number { line: number, column }),
        JsonFault::DuplicateKey { key, column, .. } => {
            unread(JsonFault::DuplicateKey { key, line: number, column })
        }
        other => in_line(unread(other), number),
    }
}

/// A fault of a line says which.
pub(super) fn in_line(mut error: ApiError, number: usize) -> ApiError {
    error.detail = format!("line {number}: {}", error.detail).into();
    error
}

pub(super) fn id(text: &str, field: &str) -> Result<Someone, ApiError> {
    if text.is_empty() || text.len() > ID_BYTES_MAX {
        return Err(fault("invalid", field, format!("a player's id has 1 to {ID_BYTES_MAX} bytes")));
    }
    Ok(Someone::Id(text.to_owned(), None))
}

/// The rating stands at `field`, the deviation at a field of its own.
pub(super) fn guest(
    rating: f64,
    deviation: Option<(f64, String)>,
    games: u32,
    field: &str,
) -> Result<Guest, ApiError> {
    let (deviation, its_field) = deviation.unzip();
    Guest::new(rating, deviation, games).map_err(|error| {
        let name = match error {
            MlError::NotFinite { name } | MlError::OutOfRange { name, .. } => name,
            _ => "",
        };
        let field = its_field.as_deref().filter(|_| name == "deviation").unwrap_or(field);
        fault("invalid", field, error)
    })
}

/// Reads `"ann"`, `1500`, `[1500, 60, 20]` or `{"rating": 1500, "deviation": 60, "games": 20}`, `{"id": "ann"}`.
pub(super) fn someone(value: &Value, field: &str, manner: Manner) -> Result<Someone, ApiError> {
    match value {
        Value::String(text) => id(text, field),
        Value::Number(rating) => {
            guest(rating.as_f64().unwrap_or(f64::NAN), None, 0, field).map(Someone::Guest)
        }
        Value::Array(row) => of_row(row, field, manner).map(Someone::Guest),
        Value::Object(of) => of_object(of, field, manner),
        Value::Null | Value::Bool(_) => {
            Err(fault("invalid_field", field, "a player is an id, a rating, a row of numbers or an object"))
        }
    }
}

fn of_row(row: &[Value], field: &str, manner: Manner) -> Result<Guest, ApiError> {
    if row.is_empty() || (manner == Manner::Strict && row.len() > 3) {
        return Err(fault(
            "invalid_field",
            field,
            "a row has a rating, and if known its deviation and matches",
        ));
    }
    let number = |at: usize| {
        let field = format!("{field}[{at}]");
        row.get(at).map(|value| number(value, &field)).transpose()
    };
    let rating = number(0)?.unwrap_or(f64::NAN);
    let games = number(2)?.map(|games| whole(games, &format!("{field}[2]"))).transpose()?;
    for at in 3..row.len() {
        number(at)?;
    }
    let deviation = number(1)?.map(|deviation| (deviation, format!("{field}[1]")));
    guest(rating, deviation, games.unwrap_or(0), &format!("{field}[0]"))
}

fn of_object(of: &Map<String, Value>, field: &str, manner: Manner) -> Result<Someone, ApiError> {
    let known = |name: &String| [&IDS[..], &RATING, &DEVIATION, &GAMES].concat().contains(&name.as_str());
    if let (Manner::Strict, Some(name)) = (manner, of.keys().find(|name| !known(name))) {
        return Err(fault("unknown_field", &format!("{field}.{name}"), "a player has no such field"));
    }
    // A quantity under two names would be two quantities, of which one counts and the other is not even looked at.
    let only = |names: &[&'static str]| {
        let mut there = names.iter().filter_map(|name| of.get(*name).map(|value| (value, *name)));
        match (there.next(), there.next()) {
            (Some((_, one)), Some((_, other))) => {
                let detail = format!("`{one}` and `{other}` are names of the same: send one of them");
                Err(fault("invalid", &format!("{field}.{other}"), detail))
            }
            (told, _) => Ok(told.map(|(value, name)| (value, format!("{field}.{name}")))),
        }
    };
    let read = |names: &[&'static str]| {
        only(names)?.map(|(value, field)| number(value, &field).map(|n| (n, field))).transpose()
    };
    let games = read(&GAMES)?.map(|(games, field)| whole(games, &field)).transpose()?.unwrap_or(0);
    let deviation = read(&DEVIATION)?;
    let rated = read(&RATING)?;
    // What is told without a rating must be lawful as well.
    let is_rated = rated.is_some();
    let (rating, its_field) = rated.unwrap_or_else(|| (NEWCOMER, field.to_owned()));
    let told = guest(rating, deviation, games, &its_field)?;
    let rated = is_rated.then_some(told);
    let named = match only(&IDS)? {
        Some((Value::String(text), field)) => Some(id(text, &field)?),
        // Services count their players.
        Some((Value::Number(number), field)) if manner == Manner::Lenient => {
            Some(id(&number.to_string(), &field)?)
        }
        Some((_, field)) if manner == Manner::Strict => {
            return Err(fault("invalid_field", &field, "an id is text"));
        }
        _ => None,
    };
    match (named, rated, manner) {
        (Some(Someone::Id(id, _)), rated, _) => Ok(Someone::Id(id, rated)),
        (_, Some(rated), _) => Ok(Someone::Guest(rated)),
        // A player of whom only other things are told is as good as a newcomer.
        (_, None, Manner::Lenient) => Ok(Someone::Guest(told)),
        (_, None, Manner::Strict) => {
            Err(fault("missing_field", &format!("{field}.rating"), "a player has an id or a rating"))
        }
    }
}

/// A newcomer's rating.
const NEWCOMER: f64 = 1500.0;

fn number(value: &Value, field: &str) -> Result<f64, ApiError> {
    let number = value.as_f64().filter(|number| number.is_finite());
    number.ok_or_else(|| fault("invalid_field", field, "a finite number is wanted"))
}

fn whole(games: f64, field: &str) -> Result<u32, ApiError> {
    let fits = (0.0..=f64::from(u32::MAX)).contains(&games) && games.fract() == 0.0;
    if fits { Ok(games as u32) } else { Err(fault("invalid", field, "a count of matches is a whole number")) }
}
