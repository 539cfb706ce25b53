//! One match a line, as JSON.
use super::line::{Fault, PLAYER_BYTES_MAX, Row, SECONDS_ABS_MAX};
use gsm_core::limits::SCORE_ABS_MAX;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// A match.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    match_id: u64,
    /// Seconds since 1970.
    timestamp: i64,
    #[serde(default)]
    mode: String,
    teams: Vec<Team>,
    /// Who came together: lists of players of this match.
    #[serde(default)]
    parties: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Team {
    players: Vec<String>,
    rank: u32,
    #[serde(default)]
    score: Option<f64>,
}

/// The number of the party of each player who is in one.
fn parties(of: &Match) -> Result<HashMap<&str, usize>, String> {
    let mut parties: HashMap<&str, usize> = HashMap::new();
    for (party, player) in
        of.parties.iter().enumerate().flat_map(|(nth, all)| all.iter().map(move |of| (nth, of)))
    {
        if parties.insert(player, party).is_some() {
            return Err(format!("names `{player}` in `parties` a second time"));
        }
    }
    let players: HashSet<&str> = of.teams.iter().flat_map(|team| &team.players).map(String::as_str).collect();
    match parties.keys().find(|player| !players.contains(*player)) {
        Some(stranger) => Err(format!("names `{stranger}` in `parties`, who is in no team")),
        None => Ok(parties),
    }
}

/// The rows that a line stands for.
pub(super) fn parse_match(bytes: &[u8], line: u64) -> Result<Vec<Row>, Fault> {
    let wrong = |what: String| Fault::new(line, what);
    let of: Match =
        serde_json::from_slice(bytes).map_err(|error| wrong(format!("is not a match: {error}")))?;
    if of.match_id == 0 {
        return Err(wrong("has the match_id 0: a whole number from 1".to_owned()));
    }
    if of.timestamp.unsigned_abs() > SECONDS_ABS_MAX.unsigned_abs() {
        return Err(wrong(format!("has the timestamp {}: seconds since 1970", of.timestamp)));
    }
    let parties = parties(&of).map_err(wrong)?;
    let mut rows = Vec::new();
    for (team, side) in (0_u32..).zip(&of.teams) {
        if side.players.is_empty() {
            return Err(wrong(format!("has team {team} without players")));
        }
        if side.rank == 0 {
            return Err(wrong(format!("gives team {team} the rank 0: ranks begin with 1")));
        }
        if side.score.is_some_and(|score| score.is_nan() || score.abs() > SCORE_ABS_MAX) {
            return Err(wrong(format!("gives team {team} a score beyond {SCORE_ABS_MAX:e}")));
        }
        for player in &side.players {
            if player.len() > PLAYER_BYTES_MAX {
                let what =
                    format!("has a player of {} bytes, one has at most {PLAYER_BYTES_MAX}", player.len());
                return Err(wrong(what));
            }
            rows.push(Row {
                line,
                number: of.match_id,
                at_s: of.timestamp,
                team,
                player: player.clone(),
                rank: side.rank,
                score: side.score.map(|score| score + 0.0),
                mode: of.mode.clone(),
                party: parties.get(player.as_str()).map(ToString::to_string).unwrap_or_default(),
            });
        }
    }
    if rows.is_empty() {
        return Err(wrong("has no teams".to_owned()));
    }
    Ok(rows)
}
