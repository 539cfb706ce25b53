//! A player's steps on a board, from the history of the mode that the board follows, or from the scores that were
//! submitted: the same numbers, and the same conditions for who is ranked, as on the board itself.
use super::{
    super::{
        line::Line,
        tally::{Tick, after, has_quit},
        view::{Brought, mark},
    },
    packing::{Packing, TooGreat},
};
use crate::{
    results::counting::score_of,
    store::{EntryRow, HistoryRow, RatingRow, ScoredRow, StartsRow},
};
use gsm_core::{Map, Millis, PlayerId, Timestamp};
use gsm_ranking::{Keys, Step, season::Season};
use gsm_session::OutcomeKind;
use std::sync::Arc;

/// What a board counts, and when a player leaves it.
pub(super) struct Rules {
    line: Arc<Line>,
    number: u64,
    season: Option<Season>,
    /// Where tiers start, where shares of the players say that and it is worked out.
    pub(super) starts: Option<StartsRow>,
    packing: Packing,
    /// Of a season that an earlier version paid out: how many of the matches that each of these players quit, the first ones, it
    /// had counted by the places of their sides.
    quit_by_place: Map<PlayerId, u32>,
}

/// What a step is made of.
#[derive(Clone, Copy)]
pub(super) enum StepRow<'a> {
    History(&'a HistoryRow),
    Score(&'a ScoredRow),
}

impl StepRow<'_> {
    fn at(self) -> Timestamp {
        match self {
            Self::History(row) => row.at,
            Self::Score(row) => row.at,
        }
    }

    /// By which a step that is told twice is known; scores are never rewritten.
    pub(super) fn mean(self) -> i64 {
        match self {
            Self::History(row) => score_of(&row.after),
            Self::Score(_) => 0,
        }
    }
}

/// Where a player is on the board.
pub(super) struct Track {
    pub(super) depth: u64,
    /// The mean after the last step, by which a step that is told twice is known.
    pub(super) mean: i64,
    /// The last step.
    at: Timestamp,
    active_at: Timestamp,
    wins: u32,
    draws: u32,
    /// What counts on the board now.
    on: Option<i64>,
    /// When the player left it for being idle, and what counted until then.
    left: Option<(Timestamp, i64)>,
    /// How many more matches that the player quits count by the place of his side.
    quit_by_place: u32,
    /// Where the board has entries of its own.
    pub(super) entry: Option<Box<EntryRow>>,
}

impl Default for Track {
    /// Of a player without history: every instant is later.
    fn default() -> Self {
        let never = Timestamp::from_millis(i64::MIN);
        Self {
            depth: 0,
            mean: 0,
            at: never,
            active_at: never,
            wins: 0,
            draws: 0,
            on: None,
            left: None,
            quit_by_place: 0,
            entry: None,
        }
    }
}

impl Track {
    /// Where a player stands before anything is taken.
    pub(super) fn begin(quit_by_place: u32) -> Self {
        Self { quit_by_place, ..Self::default() }
    }
}

impl Rules {
    /// `None` where the board has too many columns.
    pub(super) fn new(
        line: Arc<Line>,
        number: u64,
        starts: Option<StartsRow>,
        quit_by_place: Map<PlayerId, u32>,
    ) -> Option<Self> {
        let (packing, season) = (Packing::new(&line.config)?, line.season(number));
        Some(Self { line, number, season, starts, packing, quit_by_place })
    }

    /// Where a player stands before anything is taken.
    pub(super) fn begin(&self, player: PlayerId) -> Track {
        Track::begin(self.quit_by_place.get(&player).copied().unwrap_or(0))
    }

    /// How many of the matches that a player quit, the first ones, an earlier version counted by the place of his side, where
    /// that leads to the entry which it paid; else nothing. O(steps) for each match that he quit.
    pub(super) fn as_paid(&self, steps: &[(u64, HistoryRow)], paid: &EntryRow) -> Option<u32> {
        let is_in = |row: &HistoryRow| self.line.number_at(row.at) == Some(self.number);
        let quits = steps.iter().filter(|(_, row)| is_in(row) && has_quit(row)).count();
        (1..=u32::try_from(quits).ok()?).rev().find(|by_place| {
            let mut track = Track::begin(*by_place);
            let mut take = |(depth, row): &(u64, HistoryRow)| {
                self.take(&mut track, *depth, StepRow::History(row), &mut |_| {}).is_ok()
            };
            steps.iter().all(&mut take) && track.entry.as_deref() == Some(paid)
        })
    }

    /// Whether it waits for a match to say where its tiers start.
    pub(super) fn waits(&self) -> bool {
        self.line.tiers_by_shares().is_some() && self.starts.is_none()
    }

    pub(super) fn keys(&self, score: i64) -> Keys {
        self.packing.unpack(score)
    }

    /// Takes the next step of a player.
    pub(super) fn take(
        &self,
        track: &mut Track,
        depth: u64,
        row: StepRow<'_>,
        steps: &mut impl FnMut(Step),
    ) -> Result<(), TooGreat> {
        (track.depth, track.mean) = (depth, row.mean());
        let brought = match row {
            StepRow::History(row)
                if self.line.has_seasons() && self.line.number_at(row.at) != Some(self.number) =>
            {
                return Ok(());
            }
            StepRow::History(row) => match self.brought(track, row) {
                None => return Ok(()),
                brought => brought,
            },
            // The steps of a season lie by themselves, and one without an entry is a removal.
            StepRow::Score(row) => row.entry.as_ref().map(Brought::of_entry),
        };
        let at = track.at.max(row.at());
        self.leave(track, at, steps);
        if let Some((left_at, score)) = track.left.take()
            && left_at > at
        {
            // Clocks differ: the player was not idle after all.
            steps(Step { at: left_at, before: None, after: Some(score) });
            track.on = Some(score);
        }
        // Who was idle in a season that is over was so by its end, whenever a step of it came.
        let judged_at = self.season.and_then(|season| season.ends_at).map_or(at, |end| at.min(end));
        let mark = brought.as_ref().map(|brought| mark(&self.line.config, brought, 0, judged_at));
        let counted = mark.filter(|mark| mark.eligible);
        let after = counted.map(|mark| self.packing.pack(&mark.keys)).transpose()?;
        steps(Step { at, before: track.on, after });
        (track.at, track.on) = (at, after);
        track.active_at = brought.map_or(track.active_at, |brought| brought.active_at);
        Ok(())
    }

    /// What the board has of the player after a row; `None` for nothing yet.
    fn brought(&self, track: &mut Track, row: &HistoryRow) -> Option<Brought> {
        let tick = if has_quit(row) && track.quit_by_place > 0 {
            track.quit_by_place -= 1;
            Tick::by_place(row)
        } else {
            Tick::of(row)
        };
        if self.line.config.has_entries() {
            let next = after(&self.line, self.starts.as_ref(), track.entry.as_deref(), &tick)?;
            let brought = Brought::of_entry(&next);
            track.entry = Some(Box::new(next));
            return Some(brought);
        }
        let is_new = row.games == 0;
        let counted = |count: u32, outcome| {
            (if is_new { 0 } else { count }).saturating_add(u32::from(tick.outcome == Some(outcome)))
        };
        (track.wins, track.draws) =
            (counted(track.wins, OutcomeKind::Win), counted(track.draws, OutcomeKind::Draw));
        let rated_at = if tick.is_match() { track.active_at.max(row.at) } else { row.at };
        let row = RatingRow {
            rating: row.after,
            rated_at,
            games: row.games,
            wins: track.wins,
            draws: track.draws,
            score: score_of(&row.after),
            reached_at: row.at,
            carried: None,
        };
        Some(Brought::of_rating(&self.line.config, &row))
    }

    /// When a player who is on the board leaves it, should nothing more come.
    pub(super) fn leaves_at(&self, track: &Track) -> Option<Timestamp> {
        let days = self.line.config.eligibility.idle_days_max;
        let on_board = days > 0 && track.on.is_some();
        let idle_max = Millis::from_secs(u64::from(days) * 86_400);
        let at = on_board.then(|| track.active_at.saturating_add(idle_max).saturating_add(Millis::new(1)))?;
        // A season that is over stays as it ended.
        let is_over = self.season.and_then(|season| season.ends_at).is_some_and(|end| at > end);
        (!is_over).then_some(at)
    }

    /// Lets a player go who has been idle for too long by `until`.
    pub(super) fn leave(&self, track: &mut Track, until: Timestamp, steps: &mut impl FnMut(Step)) {
        let Some((at, score)) = self.leaves_at(track).zip(track.on) else { return };
        if at <= until {
            steps(Step { at, before: Some(score), after: None });
            (track.on, track.left) = (None, Some((at, score)));
        }
    }
}
