//! The chains that ratings come from: each player's entries in a mode, one after another. An entry knows where it
//! stands and how it found its players; what it makes of them is computed here, for new results, for histories, for
//! everything that is rated again, and for a rebuild, from values alone.
//!
//! Invariant: an entry's place and its players' entries before it never change; what does not count any more keeps
//! its place and passes its players on as it found them.
use super::{
    counting::{carried, next_row, rate, reached_at, score_of},
    reset::reset,
};
use crate::{
    Engine, EngineError,
    store::{
        AdjustmentKind, AdjustmentRow, Entry, HistoryRow, Home, Key, Place, RatingRow, ResultRow, Row,
        SideChange, StandingRow, Step, Verdict, Version, Versioned,
    },
    systems::Scheme,
};
use gsm_core::{AdjustmentId, MatchId, Mode, PlayerId};

/// An entry with its row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Link {
    /// A result.
    Result(MatchId, ResultRow),
    /// A rating set by hand.
    Adjustment(AdjustmentId, AdjustmentRow),
}

/// What an entry made of one of its players.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moved {
    pub(crate) player: PlayerId,
    pub(crate) after: StandingRow,
    /// `None` if it does not count.
    pub(crate) history: Option<HistoryRow>,
}

/// The depth of an entry whose players were found like this.
pub(crate) fn depth_after<'a>(from: impl IntoIterator<Item = &'a Option<StandingRow>>) -> u64 {
    1 + from.into_iter().flatten().map(|standing| standing.last.depth).max().unwrap_or(0)
}

impl ResultRow {
    /// Whether it moves ratings.
    #[must_use]
    pub fn counts(&self) -> bool {
        !matches!(self.verdict, Verdict::Voided { .. }) && !self.waits()
    }

    /// Whether it waits for somebody to look at it: it is not believed, or its players do not agree on it.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self.verdict, Verdict::Quarantined { .. } | Verdict::Disputed { .. })
    }

    /// How it was reported first.
    #[must_use]
    pub fn first_report(&self) -> &gsm_session::MatchResult {
        self.reported.as_deref().unwrap_or(&self.result)
    }
}

impl Entry {
    /// Where its row lies.
    pub(crate) fn key(self) -> Key {
        match self {
            Self::Match(id) => Key::Result(id),
            Self::Adjustment(id) => Key::Adjustment(id),
        }
    }
}

impl Link {
    /// The entry under `key`.
    pub(crate) fn of(key: &Key, row: &Row) -> Result<Self, EngineError> {
        match (key, row) {
            (Key::Result(id), Row::Result(row)) => Ok(Self::Result(*id, (**row).clone())),
            (Key::Adjustment(id), Row::Adjustment(row)) => Ok(Self::Adjustment(*id, (**row).clone())),
            _ => Err(EngineError::damaged(key)),
        }
    }

    pub(crate) fn into_row(self) -> Row {
        match self {
            Self::Result(_, row) => Row::Result(Box::new(row)),
            Self::Adjustment(_, row) => Row::Adjustment(Box::new(row)),
        }
    }

    pub(crate) fn mode(&self) -> &Mode {
        match self {
            Self::Result(_, row) => &row.mode,
            Self::Adjustment(_, row) => &row.mode,
        }
    }

    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Result(id, row) => Place { depth: row.depth, entry: Entry::Match(*id) },
            Self::Adjustment(id, row) => Place { depth: row.depth, entry: Entry::Adjustment(*id) },
        }
    }

    /// The name of how it is rated.
    pub(crate) fn scheme(&self) -> u64 {
        match self {
            Self::Result(_, row) => row.system,
            Self::Adjustment(_, row) => row.system,
        }
    }

    /// Its players, each once, in the order of [`Link::from`] and [`Link::moved`].
    pub(crate) fn players(&self) -> Vec<PlayerId> {
        match self {
            Self::Result(_, row) => row.roster.players().collect(),
            Self::Adjustment(_, row) => vec![row.player],
        }
    }

    /// Its players as found.
    pub(crate) fn from(&self) -> &[Option<StandingRow>] {
        match self {
            Self::Result(_, row) => &row.from,
            Self::Adjustment(_, row) => std::slice::from_ref(&row.from),
        }
    }

    /// The same entry with its players found otherwise; everything that follows from that is computed.
    pub(crate) fn found(
        mut self,
        scheme: &Scheme,
        from: Vec<Option<StandingRow>>,
    ) -> Result<Self, EngineError> {
        match &mut self {
            Self::Result(_, row) => {
                (row.changes, row.offsets) =
                    if row.counts() { rate(scheme, row, &from)? } else { Default::default() };
                row.from = from;
            }
            Self::Adjustment(_, row) => row.from = from.into_iter().next().flatten(),
        }
        Ok(self)
    }

    /// What it made of its players.
    pub(crate) fn moved(&self, scheme: &Scheme) -> Vec<Moved> {
        let last = self.place();
        match self {
            Self::Result(id, row) if row.counts() => {
                let mut carried = carried(scheme, row).into_iter();
                let moved = |(from, change): (&Option<StandingRow>, &SideChange)| {
                    let carried = carried.next().flatten();
                    let next = next_row(rating_of(from), change.after, row, change.player, carried);
                    Moved {
                        player: change.player,
                        history: Some(match_step(*id, row, change, &next)),
                        after: StandingRow { last, rating: Some(next) },
                    }
                };
                row.from.iter().zip(&row.changes).map(moved).collect()
            }
            Self::Result(_, row) => {
                let passed = |(player, from): (PlayerId, &Option<StandingRow>)| Moved {
                    player,
                    after: StandingRow { last, rating: rating_of(from).cloned() },
                    history: None,
                };
                row.roster.players().zip(&row.from).map(passed).collect()
            }
            Self::Adjustment(id, row) => {
                let old = rating_of(&row.from);
                let games = old.map_or(0, |old| old.games);
                // Who was away is as unsure as that.
                let grown = |old: &RatingRow| scheme.system.at(old.rating, Some(old.rated_at), row.at);
                let (before, after, games, visible) = match (&row.kind, old) {
                    (AdjustmentKind::Set { mean, deviation }, _) => {
                        let before = old.map_or_else(|| scheme.system.initial(), grown);
                        (before, scheme.system.set(before, *mean, *deviation), games, None)
                    }
                    (AdjustmentKind::Reset(config), Some(old)) => {
                        let before = grown(old);
                        let (after, games) = reset(*config, &scheme.system, before, games);
                        (before, after, games, Some(config.visible))
                    }
                    // All that led to a rating was voided: there is nothing to reset.
                    (AdjustmentKind::Reset(_), None) => {
                        let after = StandingRow { last, rating: None };
                        return vec![Moved { player: row.player, after, history: None }];
                    }
                };
                let (is_anew, score) = (games == 0, score_of(&after));
                let next = RatingRow {
                    rating: after,
                    rated_at: row.at,
                    games,
                    wins: old.filter(|_| !is_anew).map_or(0, |old| old.wins),
                    draws: old.filter(|_| !is_anew).map_or(0, |old| old.draws),
                    score,
                    reached_at: reached_at(old, score, row.at),
                    carried: old.and_then(|old| old.carried.clone()),
                };
                let step = Step::Adjustment { id: *id, visible };
                vec![Moved {
                    player: row.player,
                    history: Some(HistoryRow { at: row.at, step, before, after, games: next.games }),
                    after: StandingRow { last, rating: Some(next) },
                }]
            }
        }
    }
}

/// The rating of a player as found.
pub(super) fn rating_of(found: &Option<StandingRow>) -> Option<&RatingRow> {
    found.as_ref().and_then(|standing| standing.rating.as_ref())
}

/// The history row of one player's share in a match.
fn match_step(id: MatchId, row: &ResultRow, change: &SideChange, next: &RatingRow) -> HistoryRow {
    let side = row.roster.side_of(change.player).unwrap_or(0);
    let place = row.result.places().get(side).copied().unwrap_or(1);
    HistoryRow {
        at: row.at,
        step: Step::Match {
            match_id: id,
            place,
            shared: row.result.places().iter().filter(|of| **of == place).count() > 1,
            sides: u32::try_from(row.roster.sides().len()).unwrap_or(u32::MAX),
            expected: change.expected,
            actual: change.actual,
            quit: row.result.quits().binary_search(&change.player).is_ok(),
        },
        before: change.before,
        after: change.after,
        games: next.games,
    }
}

impl Engine {
    /// Players in a mode, each with the version of the row; `None` for who has no entry.
    pub(crate) async fn standings(
        &self,
        mode: &Mode,
        players: &[PlayerId],
    ) -> Result<Vec<Option<(StandingRow, Version)>>, EngineError> {
        let keys: Vec<Key> = players.iter().map(|p| Key::Rating(mode.clone(), *p)).collect();
        let rows = self.get(Home::Record, &keys).await?;
        keys.iter()
            .zip(rows)
            .map(|(key, found)| found.map(|found| standing(key, &found)).transpose())
            .collect()
    }

    /// Players' ratings in a mode; `None` for who has none.
    pub(crate) async fn ratings(
        &self,
        mode: &Mode,
        players: &[PlayerId],
    ) -> Result<Vec<Option<RatingRow>>, EngineError> {
        let rows = self.standings(mode, players).await?;
        Ok(rows.into_iter().map(|found| found.and_then(|(standing, _)| standing.rating)).collect())
    }
}

/// The standing under a rating key.
pub(crate) fn standing(key: &Key, found: &Versioned) -> Result<(StandingRow, Version), EngineError> {
    match &*found.row {
        Row::Rating(row) => Ok((row.clone(), found.version)),
        _ => Err(EngineError::damaged(key)),
    }
}
