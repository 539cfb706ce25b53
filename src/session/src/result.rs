use crate::{PlayerReport, Report, Roster, SideReport, Standings};
use gsm_core::{
    Millis, PlayerId, Variant,
    limits::{MATCH_PLAYERS_MAX, MATCH_SIDES_MAX, SCORE_ABS_MAX},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest match that can be reported: a year, for games by correspondence.
pub const DURATION_MAX: Millis = Millis::from_secs(365 * 24 * 3_600);

/// A report that is refused: where, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{field}` {fault}")]
pub struct ResultError {
    /// The path of the field, as in the native API: `placements[2].place`.
    pub field: String,
    /// What is wrong with it.
    pub fault: ResultFault,
}

/// What is wrong with a field of a report. The text reads on from the field's name.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ResultFault {
    /// A match of one team, or of more sides than are rated, has no result.
    #[error("has {found} sides, a result is taken of 2 to {MATCH_SIDES_MAX}")]
    NoContest {
        /// Sides of the roster.
        found: usize,
    },
    /// Not one entry for every side.
    #[error("has {found} entries, the match has {expected} sides")]
    SideCount {
        /// Entries of the report.
        found: usize,
        /// Sides of the roster.
        expected: usize,
    },
    /// Not on the roster.
    #[error("names `{0}`, who does not play this match")]
    UnknownPlayer(PlayerId),
    /// On the roster, not in the report.
    #[error("lacks `{0}`, every player of the match needs a place")]
    MissingPlayer(PlayerId),
    /// In the report twice.
    #[error("names `{0}` a second time")]
    DuplicatePlayer(PlayerId),
    /// No such place.
    #[error("is `{place}`, a place of this match is between 1 and {max}")]
    PlaceRange {
        /// What came.
        place: u32,
        /// The number of sides.
        max: usize,
    },
    /// Two players of one side with different places.
    #[error(
        "is `{place}`, but `{mate}` of the same side has `{mate_place}`; players of a side share a place"
    )]
    PlacesDiffer {
        /// What came.
        place: u32,
        /// A player of the side whose place was given before.
        mate: PlayerId,
        /// That player's place.
        mate_place: u32,
    },
    /// Nobody won.
    #[error("has nobody in place 1; the best side is in place 1, equal places are a tie")]
    NoFirst,
    /// Not finite or out of bounds.
    #[error("is `{0}`, a score is a number between -{SCORE_ABS_MAX} and {SCORE_ABS_MAX}")]
    ScoreRange(f64),
    /// No part of a match.
    #[error("is `{0}`, a player's share of a match is a number between 0 and 1")]
    ShareRange(f64),
    /// The players' scores of a side add up to more than a side may have.
    #[error(
        "gives side {side} the score `{score}` in sum, a score is between -{SCORE_ABS_MAX} and {SCORE_ABS_MAX}"
    )]
    ScoreSum {
        /// The side, from 0.
        side: usize,
        /// The sum.
        score: f64,
    },
    /// Some players of a side have a score, others have none.
    #[error("lacks the score of `{0}`; score all players of a side or none")]
    ScoreMissing(PlayerId),
    /// Longer than [`DURATION_MAX`].
    #[error("is `{0}` ms, a match takes at most {max} ms", max = DURATION_MAX.get())]
    TooLong(u64),
}

/// How a match ended, in its one canonical form: reports that mean the same compare equal, so that a repeated report
/// is known as a repetition and a contradicting one as a contradiction.
///
/// - Places are per side, in the order of the roster, by competition numbering: 1 + the number of sides strictly
///   better. Reported `1, 3, 3` and `1, 2, 2` both become `1, 2, 2`; `1, 1, 2` becomes `1, 1, 3`.
/// - Scores are per side; a side whose players were scored has their sum. They inform and do not rank: fewer may be
///   better (golf), so a score that seems to contradict the places is no error.
/// - Quits are sorted, each player once.
/// - Shares are sorted by player; whoever played all of it has none.
/// - The variant is the one that was played: the report's, else the roster's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct MatchResult {
    places: Vec<u32>,
    scores: Vec<Option<f64>>,
    quits: Vec<PlayerId>,
    shares: Vec<(PlayerId, f64)>,
    duration: Option<Millis>,
    variant: Option<Variant>,
}

/// How a match ended for one player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The player's side, from 0.
    pub side: usize,
    /// The side's place, from 1.
    pub place: u32,
    /// In one word.
    pub kind: OutcomeKind,
    /// Whether the player left before the end.
    pub quit: bool,
}

/// An outcome in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// Alone in place 1.
    Win,
    /// In place 1 with others.
    Draw,
    /// Behind someone, or gone before the end.
    Loss,
}

/// Players who are named beside the standings, each once and on the roster.
fn check_listed(
    field: &str,
    players: &[PlayerId],
    roster: &Roster,
) -> Result<BTreeSet<PlayerId>, ResultError> {
    let mut listed = BTreeSet::new();
    for (i, &player) in players.iter().enumerate() {
        if roster.side_of(player).is_none() {
            return refuse(format!("{field}[{i}]"), ResultFault::UnknownPlayer(player));
        }
        if !listed.insert(player) {
            return refuse(format!("{field}[{i}]"), ResultFault::DuplicatePlayer(player));
        }
    }
    Ok(listed)
}

fn refuse<T>(field: impl Into<String>, fault: ResultFault) -> Result<T, ResultError> {
    Err(ResultError { field: field.into(), fault })
}

impl MatchResult {
    /// The canonical form of `report`, if it is a full and consistent result of a match of `roster`.
    ///
    /// Refuses: players who do not play, are missing or are named twice; a place outside `1..=sides`; different places
    /// within a side; no place 1; a score that is not finite or beyond [`SCORE_ABS_MAX`], or given for part of a side;
    /// a share outside `0.0..=1.0`; a duration above [`DURATION_MAX`]. Never panics. O(n log n) in the players; a report longer than the roster is
    /// refused at its first surplus entry.
    pub fn validate(report: &Report, roster: &Roster) -> Result<Self, ResultError> {
        if !roster.is_contest() {
            return refuse("match", ResultFault::NoContest { found: roster.sides().len() });
        }
        let (mut quits, mut shares) = (BTreeSet::new(), BTreeMap::new());
        let (field, sides) = match &report.standings {
            Standings::Sides(sides) => ("sides", check_sides(sides, roster)?),
            Standings::Players(lines) => {
                quits.extend(lines.iter().filter(|line| line.quit).map(|line| line.player));
                for (i, line) in lines.iter().enumerate() {
                    let share = check_share(|| format!("placements[{i}].share"), line.share)?;
                    shares.extend(share.map(|share| (line.player, share)));
                }
                ("placements", check_players(lines, roster)?)
            }
        };
        let places: Vec<u32> = sides.iter().map(|side| side.place).collect();
        if !places.contains(&1) {
            return refuse(field, ResultFault::NoFirst);
        }
        quits.append(&mut check_listed("quits", &report.quits, roster)?);
        check_listed("afk", &report.afk, roster)?;
        if let Some(duration) = report.duration.filter(|&d| d > DURATION_MAX) {
            return refuse("duration_ms", ResultFault::TooLong(duration.get()));
        }
        Ok(Self {
            places: competition(&places),
            scores: sides.iter().map(|side| side.score).collect(),
            quits: quits.into_iter().collect(),
            shares: shares.into_iter().collect(),
            duration: report.duration,
            variant: report.variant.as_ref().or(roster.variant()).cloned(),
        })
    }

    /// Per side, in the order of the roster: 1 + the number of sides strictly better.
    #[must_use]
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// Per side, in the order of the roster; each finite and within [`SCORE_ABS_MAX`].
    #[must_use]
    pub fn scores(&self) -> &[Option<f64>] {
        &self.scores
    }

    /// Who left before the end, sorted.
    #[must_use]
    pub fn quits(&self) -> &[PlayerId] {
        &self.quits
    }

    /// Who played a part of the match alone, and which part, `0.0..1.0`; sorted by player.
    #[must_use]
    pub fn shares(&self) -> &[(PlayerId, f64)] {
        &self.shares
    }

    /// The part of the match that a player played, `0.0..=1.0`.
    #[must_use]
    pub fn share_of(&self, player: PlayerId) -> f64 {
        let found = self.shares.binary_search_by_key(&player, |(who, _)| *who);
        found.ok().and_then(|at| self.shares.get(at)).map_or(1.0, |(_, share)| *share)
    }

    /// How long the match was played, at most [`DURATION_MAX`].
    #[must_use]
    pub const fn duration(&self) -> Option<Millis> {
        self.duration
    }

    /// The variant of the mode (map, surface) that was played, where anybody named one.
    #[must_use]
    pub const fn variant(&self) -> Option<&Variant> {
        self.variant.as_ref()
    }

    /// Whether both say the same of who came where, of scores, quits, shares and variant. How long it took is for each
    /// clock to say.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let Self { places, scores, quits, shares, duration: _, variant } = self;
        *places == other.places
            && *scores == other.scores
            && *quits == other.quits
            && *shares == other.shares
            && *variant == other.variant
    }

    /// How the match ended for `player`; none for a stranger to `roster`, which must be the roster of this result.
    #[must_use]
    pub fn outcome_for(&self, roster: &Roster, player: PlayerId) -> Option<Outcome> {
        let side = roster.side_of(player)?;
        let place = *self.places.get(side)?;
        let level = self.places.iter().filter(|&&p| p == place).count();
        let quit = self.quits.binary_search(&player).is_ok();
        let kind = match (place, level) {
            (1, 1) if !quit => OutcomeKind::Win,
            (1, 2..) if !quit => OutcomeKind::Draw,
            _ => OutcomeKind::Loss,
        };
        Some(Outcome { side, place, kind, quit })
    }
}

fn check_place(field: impl Fn() -> String, place: u32, sides: usize) -> Result<u32, ResultError> {
    let legal = place >= 1 && usize::try_from(place).is_ok_and(|p| p <= sides);
    if legal { Ok(place) } else { refuse(field(), ResultFault::PlaceRange { place, max: sides }) }
}

/// Within bounds, and with one zero only.
fn check_score(field: impl Fn() -> String, score: Option<f64>) -> Result<Option<f64>, ResultError> {
    match score {
        Some(s) if !fits(s) => refuse(field(), ResultFault::ScoreRange(s)),
        score => Ok(score.map(|s| s + 0.0)),
    }
}

fn fits(score: f64) -> bool {
    score.abs() <= SCORE_ABS_MAX // false for NaN
}

/// A part of the match, with one zero only; none where it is all of it.
fn check_share(field: impl Fn() -> String, share: Option<f64>) -> Result<Option<f64>, ResultError> {
    match share {
        Some(share) if !(0.0..=1.0).contains(&share) => refuse(field(), ResultFault::ShareRange(share)),
        share => Ok(share.filter(|share| *share < 1.0).map(|share| share + 0.0)),
    }
}

fn check_sides(lines: &[SideReport], roster: &Roster) -> Result<Vec<SideReport>, ResultError> {
    let expected = roster.sides().len();
    if lines.len() != expected {
        return refuse("sides", ResultFault::SideCount { found: lines.len(), expected });
    }
    let check = |(i, line): (usize, &SideReport)| {
        Ok(SideReport {
            place: check_place(|| format!("sides[{i}].place"), line.place, expected)?,
            score: check_score(|| format!("sides[{i}].score"), line.score)?,
        })
    };
    lines.iter().enumerate().map(check).collect()
}

fn check_players(lines: &[PlayerReport], roster: &Roster) -> Result<Vec<SideReport>, ResultError> {
    let sides = roster.sides();
    let known: BTreeSet<PlayerId> = roster.players().collect();
    let mut given: BTreeMap<PlayerId, (usize, SideReport)> = BTreeMap::new();
    for (i, line) in lines.iter().enumerate() {
        if !known.contains(&line.player) {
            return refuse(format!("placements[{i}].player_id"), ResultFault::UnknownPlayer(line.player));
        }
        let place = check_place(|| format!("placements[{i}].place"), line.place, sides.len())?;
        let score = check_score(|| format!("placements[{i}].score"), line.score)?;
        if given.insert(line.player, (i, SideReport { place, score })).is_some() {
            return refuse(format!("placements[{i}].player_id"), ResultFault::DuplicatePlayer(line.player));
        }
    }
    sides.iter().enumerate().map(|(side, members)| fold_side(side, members, &given)).collect()
}

/// One side from its players. Scores add up in the order of the roster, so that the order of the report is no matter.
fn fold_side(
    side: usize,
    members: &[PlayerId],
    given: &BTreeMap<PlayerId, (usize, SideReport)>,
) -> Result<SideReport, ResultError> {
    let mut whole: Option<(PlayerId, SideReport)> = None;
    for &player in members {
        let Some(&(i, line)) = given.get(&player) else {
            return refuse("placements", ResultFault::MissingPlayer(player));
        };
        let Some((mate, sum)) = whole else {
            whole = Some((player, line));
            continue;
        };
        if line.place != sum.place {
            let fault = ResultFault::PlacesDiffer { place: line.place, mate, mate_place: sum.place };
            return refuse(format!("placements[{i}].place"), fault);
        }
        let score = match (sum.score, line.score) {
            (Some(a), Some(b)) => Some(a + b),
            (None, None) => None,
            (None, Some(_)) => return refuse("placements", ResultFault::ScoreMissing(mate)),
            (Some(_), None) => return refuse("placements", ResultFault::ScoreMissing(player)),
        };
        whole = Some((mate, SideReport { place: sum.place, score }));
    }
    match whole {
        Some((_, SideReport { score: Some(score), .. })) if !fits(score) => {
            refuse("placements", ResultFault::ScoreSum { side, score })
        }
        Some((_, sum)) => Ok(sum),
        None => refuse("placements", ResultFault::SideCount { found: side, expected: side + 1 }),
    }
}

/// Competition numbering: 1 + the number of strictly smaller.
fn competition(places: &[u32]) -> Vec<u32> {
    let better = |place: u32| places.iter().filter(|&&p| p < place).count();
    places.iter().map(|&p| u32::try_from(better(p)).unwrap_or(u32::MAX).saturating_add(1)).collect()
}

#[derive(Deserialize)]
#[serde(rename = "MatchResult")]
struct Unchecked {
    places: Vec<u32>,
    scores: Vec<Option<f64>>,
    quits: Vec<PlayerId>,
    shares: Vec<(PlayerId, f64)>,
    duration: Option<Millis>,
    variant: Option<Variant>,
}

/// Stored bytes that are no canonical result.
#[derive(Debug, thiserror::Error)]
#[error("not a canonical match result")]
struct NotCanonical;

impl TryFrom<Unchecked> for MatchResult {
    type Error = NotCanonical;
    fn try_from(raw: Unchecked) -> Result<Self, NotCanonical> {
        let Unchecked { places, scores, quits, shares, duration, variant } = raw;
        let canonical = (2..=MATCH_SIDES_MAX).contains(&places.len())
            && scores.len() == places.len()
            && competition(&places) == places
            && scores.iter().flatten().all(|&s| fits(s))
            && quits.len() <= MATCH_PLAYERS_MAX
            && quits.is_sorted_by(|a, b| a < b)
            && shares.len() <= MATCH_PLAYERS_MAX
            && shares.is_sorted_by(|(a, _), (b, _)| a < b)
            && shares.iter().all(|(_, share)| (0.0..1.0).contains(share))
            && duration.is_none_or(|d| d <= DURATION_MAX);
        if canonical {
            Ok(Self { places, scores, quits, shares, duration, variant })
        } else {
            Err(NotCanonical)
        }
    }
}

#[cfg(test)]
mod tests;
