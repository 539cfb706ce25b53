//! Requests as JSON: one match in three forms, or several.
use super::{
    SCHEMA_VERSION,
    oracle::Asked,
    people::{Manner, Someone, fault, someone},
};
use crate::problem::ApiError;
use axum::http::StatusCode;
use gsm_core::{
    Timestamp,
    limits::{MATCH_PLAYERS_MAX, TICKET_PLAYERS_MAX},
};
use gsm_ml::{Home, Premade};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Number, Value};
use std::collections::BTreeSet;

/// One match, or `instances` of them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    #[serde(default, deserialize_with = "whole")]
    schema_version: Option<i64>,
    /// The seed's form, answered by a bare number: the quality of a match of two.
    #[serde(default, deserialize_with = "told")]
    player1: Option<Value>,
    #[serde(default, deserialize_with = "told")]
    player2: Option<Value>,
    #[serde(default, deserialize_with = "told")]
    player1_features: Option<Value>,
    #[serde(default, deserialize_with = "told")]
    player2_features: Option<Value>,
    /// Teams.
    #[serde(default, deserialize_with = "told")]
    teams: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "told")]
    team_a: Option<Value>,
    #[serde(default, deserialize_with = "told")]
    team_b: Option<Value>,
    /// Who came together, by ids.
    parties: Option<Vec<Vec<String>>>,
    variant: Option<String>,
    home: Option<Value>,
    /// Milliseconds since 1970.
    #[serde(default, deserialize_with = "whole")]
    at: Option<i64>,
    explain: Option<bool>,
    #[serde(default, deserialize_with = "told")]
    instances: Option<Vec<Body>>,
}

/// What has a form of its own, and is never `null`.
fn told<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A whole number, which JSON may write as `1.0`; `null` is none.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(from)? else { return Ok(None) };
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < WHOLE_MAX);
    let whole = number.as_i64().or_else(|| float.map(|float| float as i64));
    whole.map(Some).ok_or_else(|| D::Error::custom("a whole number is wanted"))
}

/// Whole numbers below are the same as floats.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A match, and how it is answered.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) asked: Asked,
    /// By its quality alone.
    pub(super) is_bare: bool,
}

impl Body {
    /// The matches that a body has for itself, as `instances`; none where it is one.
    pub(super) fn take_instances(&mut self) -> Result<Option<Vec<Self>>, ApiError> {
        let Some(instances) = self.instances.take() else { return Ok(None) };
        self.check_around()?;
        Ok(Some(instances))
    }

    /// What stands beside instances: of a version that is spoken, and no match.
    pub(super) fn check_around(&self) -> Result<(), ApiError> {
        self.check_version("")?;
        if self.forms() > 0 {
            return Err(fault("invalid", "instances", "a body has one match or `instances`, not both"));
        }
        let beside = [
            ("parties", self.parties.is_some()),
            ("variant", self.variant.is_some()),
            ("home", self.home.is_some()),
            ("at", self.at.is_some()),
            ("explain", self.explain.is_some()),
        ];
        match beside.into_iter().find(|(_, is_told)| *is_told) {
            Some((name, _)) => Err(fault("unknown_field", name, "it is told of each of the instances")),
            None => Ok(()),
        }
    }

    fn check_version(&self, path: &str) -> Result<(), ApiError> {
        match self.schema_version {
            Some(version) if u64::try_from(version) != Ok(SCHEMA_VERSION) => {
                let detail = format!("this endpoint speaks schema version {SCHEMA_VERSION}, not {version}");
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_schema_version", detail)
                    .hint("send what that version asks for: sagemaker/models/inference.schema.json")
                    .field(format!("{path}schema_version")))
            }
            _ => Ok(()),
        }
    }

    /// Where the sides of the form stand that is told.
    fn side_names(&self) -> [&'static str; 2] {
        if self.player1.is_some() {
            ["player1", "player2"]
        } else if self.player1_features.is_some() {
            ["player1_features", "player2_features"]
        } else if self.teams.is_some() {
            ["teams[0]", "teams[1]"]
        } else {
            ["team_a", "team_b"]
        }
    }

    fn forms(&self) -> usize {
        let players = self.player1.is_some() || self.player2.is_some();
        let features = self.player1_features.is_some() || self.player2_features.is_some();
        let named = self.team_a.is_some() || self.team_b.is_some();
        [players, features, named, self.teams.is_some()].into_iter().filter(|form| *form).count()
    }

    /// The one match; `path` is where it stands, with a point at its end.
    pub(super) fn item(&self, path: &str, now: Timestamp) -> Result<Item, ApiError> {
        self.check_version(path)?;
        if self.instances.is_some() {
            return Err(fault("invalid", &format!("{path}instances"), "instances have no instances"));
        }
        if self.forms() > 1 {
            let path = path.trim_end_matches('.');
            return Err(fault("invalid", path, "a match is told in one form: players, features or teams"));
        }
        let at = |name: &str| format!("{path}{name}");
        let missing = |name: &str| fault("missing_field", &at(name), format!("`{name}` is missing"));
        let (sides, is_bare) = if self.player1.is_some() || self.player2.is_some() {
            let one = self.player1.as_ref().ok_or_else(|| missing("player1"))?;
            let other = self.player2.as_ref().ok_or_else(|| missing("player2"))?;
            let one = someone(one, &at("player1"), Manner::Strict)?;
            ([vec![one], vec![someone(other, &at("player2"), Manner::Strict)?]], true)
        } else if self.player1_features.is_some() || self.player2_features.is_some() {
            let one = self.player1_features.as_ref().ok_or_else(|| missing("player1_features"))?;
            let other = self.player2_features.as_ref().ok_or_else(|| missing("player2_features"))?;
            let one = someone(one, &at("player1_features"), Manner::Lenient)?;
            ([vec![one], vec![someone(other, &at("player2_features"), Manner::Lenient)?]], true)
        } else if let Some(teams) = &self.teams {
            let [one, other] = teams.as_slice() else {
                let detail = format!("a match has two teams, not {}", teams.len());
                return Err(fault("invalid", &at("teams"), detail));
            };
            ([team(one, &at("teams[0]"))?, team(other, &at("teams[1]"))?], false)
        } else {
            let one = self.team_a.as_ref();
            let one = one.ok_or_else(|| missing(if self.team_b.is_some() { "team_a" } else { "teams" }))?;
            let other = self.team_b.as_ref().ok_or_else(|| missing("team_b"))?;
            ([team(one, &at("team_a"))?, team(other, &at("team_b"))?], false)
        };
        check_sides(&sides, |side| at(self.side_names()[side]))?;
        let parties = self.parties.as_deref().unwrap_or_default();
        let premade = premade(&sides, parties, |party| at(&format!("parties[{party}]")))?;
        let asked = Asked {
            sides,
            premade,
            variant: self.variant.clone(),
            home: home(self.home.as_ref(), &at("home"))?,
            at: self.at.map_or(now, Timestamp::from_millis),
            explain: self.explain.unwrap_or_default(),
        };
        Ok(Item { is_bare: is_bare && !asked.explain, asked })
    }
}

/// `["ann", 1500]`, or `{"players": [..]}`.
fn team(value: &Value, field: &str) -> Result<Vec<Someone>, ApiError> {
    let (players, field) = match value {
        Value::Object(of) => {
            if let Some(name) = of.keys().find(|name| *name != "players") {
                return Err(fault("unknown_field", &format!("{field}.{name}"), "a team has no such field"));
            }
            let field = format!("{field}.players");
            (of.get("players").ok_or_else(|| fault("missing_field", &field, "a team has players"))?, field)
        }
        other => (other, field.to_owned()),
    };
    let players = players.as_array();
    let players = players.ok_or_else(|| fault("invalid_field", &field, "a team is a list of players"))?;
    let each = players.iter().enumerate();
    each.map(|(nth, player)| someone(player, &format!("{field}[{nth}]"), Manner::Strict)).collect()
}

/// That each side has somebody, nobody comes twice, and they are not too many; `field` tells where a side, 0 or 1, stands.
pub(super) fn check_sides(
    sides: &[Vec<Someone>; 2],
    field: impl Fn(usize) -> String,
) -> Result<(), ApiError> {
    let (mut players, mut ids) = (0, BTreeSet::new());
    for (side, team) in sides.iter().enumerate() {
        if team.is_empty() {
            return Err(fault("empty_team", &field(side), "a team has no players"));
        }
        players += team.len();
        if players > MATCH_PLAYERS_MAX {
            let detail = format!("a match has at most {MATCH_PLAYERS_MAX} players");
            return Err(fault("invalid", &field(side), detail));
        }
        for someone in team {
            if let Someone::Id(id, _) = someone
                && !ids.insert(id.as_str())
            {
                let id: String = id.chars().take(64).collect();
                let detail = format!("`{}` is in the match twice", id.escape_debug());
                return Err(fault("invalid", &field(side), detail));
            }
        }
    }
    Ok(())
}

/// How much of each side came together. Parties are of players of the match, each in one; `field` tells where a party stands.
pub(super) fn premade(
    sides: &[Vec<Someone>; 2],
    parties: &[Vec<String>],
    field: impl Fn(usize) -> String,
) -> Result<[Premade; 2], ApiError> {
    let ids = sides.each_ref().map(|side| side.iter().filter_map(Someone::id).collect::<BTreeSet<_>>());
    let mut seen = BTreeSet::new();
    for (nth, party) in parties.iter().enumerate() {
        if !(1..=TICKET_PLAYERS_MAX).contains(&party.len()) {
            let detail = format!("a party has 1 to {TICKET_PLAYERS_MAX} players");
            return Err(fault("invalid", &field(nth), detail));
        }
        for id in party {
            let is_there = ids.iter().any(|side| side.contains(id.as_str()));
            let what = match (is_there, seen.insert(id.as_str())) {
                (true, true) => continue,
                (false, _) => "is in no team by this id",
                (true, false) => "is in a party already",
            };
            let id: String = id.chars().take(64).collect();
            return Err(fault("invalid", &field(nth), format!("`{}` {what}", id.escape_debug())));
        }
    }
    Ok(sides.each_ref().map(|side| {
        // Who has no id is in no party.
        let ids: Vec<Option<&str>> = side.iter().map(Someone::id).collect();
        let parties: Vec<Vec<Option<&str>>> =
            parties.iter().map(|party| party.iter().map(|id| Some(id.as_str())).collect()).collect();
        Premade::among(&ids, &parties)
    }))
}

fn home(value: Option<&Value>, field: &str) -> Result<Home, ApiError> {
    match value {
        None => Ok(Home::AsEver),
        Some(Value::String(text)) if text == "nobody" => Ok(Home::Nobody),
        Some(Value::Number(side)) if side.as_f64() == Some(0.0) => Ok(Home::Side(0)),
        Some(Value::Number(side)) if side.as_f64() == Some(1.0) => Ok(Home::Side(1)),
        Some(_) => Err(fault("invalid_field", field, "0 or 1, the team that is at home, or `nobody`")),
    }
}
