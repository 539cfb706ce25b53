//! The two teams of a match that is asked about, and who came together, as flags tell them.
use crate::output::Failure;
use gsm_core::limits::MATCH_PLAYERS_MAX;

/// The players of `--team`, which comes twice, each made of its part between commas. Each is there once, and has a name.
pub(crate) fn teams<'a, T>(
    told: &'a [String],
    player: impl Fn(&'a str) -> Result<T, Failure>,
    id: impl Fn(&T) -> &str,
) -> Result<[Vec<T>; 2], Failure> {
    let [one, other] = told else {
        return Err(Failure::usage(format!("--team comes twice, not {} times", told.len())));
    };
    let team = |text: &'a str| text.split(',').map(|part| player(part.trim())).collect::<Result<Vec<T>, _>>();
    let teams = [team(one)?, team(other)?];
    let all: Vec<&str> = teams.iter().flatten().map(id).collect();
    if all.iter().any(|player| player.is_empty()) {
        return Err(Failure::usage("--team: a player without a name"));
    }
    if all.len() > MATCH_PLAYERS_MAX {
        return Err(Failure::usage(format!("--team: a match has at most {MATCH_PLAYERS_MAX} players")));
    }
    each_once("--team", all)?;
    Ok(teams)
}

/// The players of each `--party`, who are among those of the teams, each in one party at most.
pub(crate) fn parties<'a>(told: &'a [String], players: &[&str]) -> Result<Vec<Vec<&'a str>>, Failure> {
    let parties: Vec<Vec<&str>> =
        told.iter().map(|party| party.split(',').map(str::trim).collect()).collect();
    let all: Vec<&str> = parties.iter().flatten().copied().collect();
    if let Some(stranger) = all.iter().find(|player| !players.contains(player)) {
        return Err(Failure::usage(format!("--party: `{stranger}` is in no team")));
    }
    each_once("--party", all)?;
    Ok(parties)
}

fn each_once(flag: &str, mut all: Vec<&str>) -> Result<(), Failure> {
    all.sort_unstable();
    match all.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Failure::usage(format!("{flag}: `{}` comes twice", pair[0]))),
        None => Ok(()),
    }
}
