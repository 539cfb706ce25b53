//! Questions about the past, and how a past is made of what the store has for the first of them.
use super::{
    CHANGED, PastRank, Refusal, SERIES_MAX, TOO_GREAT, Unmade,
    packing::TooGreat,
    track::{Rules, StepRow, Track},
    views::{Made, Making, Members, PastView, is_member, last},
};
use crate::{
    Engine, EngineError,
    aside::aside,
    boards::{BoardRef, Line, Part, Source, Ties, Viewer, tally::entry_of},
    store::{EntryRow, Key, KeyRange, Row, Versioned},
};
use gsm_core::{Map, PlayerId, Timestamp};
use gsm_ranking::Step;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How often a past is made anew for one question, where histories are rewritten meanwhile.
const TRIES_MAX: usize = 3;
/// How long a question waits while the past that it needs is made for another.
const MAKING_WAIT: Duration = Duration::from_secs(5);
/// Of a part of so many players the histories are read one by one, of a greater one all of the mode.
const READ_ALONE_MAX: usize = 1_000;

fn step_of<'a>(key: &Key, found: &'a Versioned) -> Result<(PlayerId, u64, StepRow<'a>), EngineError> {
    match (key, &*found.row) {
        (Key::History(_, player, depth), Row::History(row)) => Ok((*player, *depth, StepRow::History(row))),
        (Key::Scored(_, _, player, nth), Row::Scored(row)) => {
            Ok((*player, u64::from(*nth), StepRow::Score(row)))
        }
        _ => Err(EngineError::damaged(key)),
    }
}

impl Engine {
    /// Where a player stood on a board at each of `instants`, in their order; of a season that of `of`, within it. A part
    /// is of those who belong there today, and players who are hidden now count as they did then; who is hidden from
    /// `viewer` has no place.
    ///
    /// The first question of a board reads all its steps (of a mode all histories), of a small part those of its players;
    /// from then on O(log² steps) an instant, and the player's own steps. Refused where scores are submitted and steps
    /// are not kept, and where ranks are not by competition.
    pub async fn rank_at(
        &self,
        of: &BoardRef,
        player: PlayerId,
        instants: &[Timestamp],
        viewer: Viewer,
    ) -> Result<Vec<PastRank>, EngineError> {
        if !(1..=SERIES_MAX).contains(&instants.len()) {
            return Err(EngineError::invalid("instants", format!("must be 1 to {SERIES_MAX}")));
        }
        let line = self.line(&of.name)?;
        if line.config.source == Source::Submissions && !line.config.past {
            let detail =
                "has no past: it was not defined with `past`, and only the last score of each player is kept";
            return Err(EngineError::invalid("board", detail));
        }
        if line.config.ties != Ties::Competition {
            let detail = "has no past: only ranks by competition are counted over time";
            return Err(EngineError::invalid("board", detail));
        }
        let number = self.season_number(&line, of.season)?;
        let is_seen = self.may_see(&of.name, player, viewer);
        if of.part.is_some() {
            // A part that there is.
            self.open_board(of).await?.players()?;
        }
        let view = self.views.pasts.of(&line, number, of.part.as_ref());
        let until = tokio::time::Instant::now() + MAKING_WAIT;
        for _ in 0..TRIES_MAX {
            let made = {
                let state = view.state.lock();
                if let Some(refusal) = state.refused {
                    return Err(refusal.into());
                }
                state.made.as_ref().map(|made| (made.rules.clone(), is_member(&made.members, player)))
            };
            if let Some((rules, is_in)) = made {
                let steps = if is_in && is_seen {
                    self.own_steps(&view, player, &rules, last(instants)).await?
                } else {
                    Vec::new()
                };
                if let Some(made) = &mut view.state.lock().made {
                    return Ok(made.places(&steps, instants));
                }
                continue;
            }
            let Ok(_making) = tokio::time::timeout_at(until, view.making.lock()).await else {
                return Err(EngineError::BoardFilling { board: of.name.to_string() });
            };
            let is_done = {
                let state = view.state.lock();
                state.made.is_some() || state.refused.is_some()
            };
            if !is_done {
                self.make_past(&view).await?;
            }
        }
        Err(EngineError::Contended)
    }

    /// A player's steps on a board, oldest first.
    async fn own_steps(
        &self,
        view: &PastView,
        player: PlayerId,
        rules: &Rules,
        until: Timestamp,
    ) -> Result<Vec<Step>, EngineError> {
        let (mut steps, mut track) = (Vec::new(), rules.begin(player));
        self.each(view.steps_of(player), |key, found| {
            let (_, depth, row) = step_of(&key, &found)?;
            rules
                .take(&mut track, depth, row, &mut |step| steps.push(step))
                .map_err(|TooGreat| TOO_GREAT.into())
        })
        .await?;
        rules.leave(&mut track, until, &mut |step| steps.push(step));
        Ok(steps)
    }

    pub(super) async fn make_past(&self, view: &PastView) -> Result<(), EngineError> {
        let _making = Making::begin(view);
        let mut made = self.read_past(view, Map::default()).await;
        if let Ok(Err(Unmade::AsPaid(quit_by_place))) = made {
            made = self.read_past(view, quit_by_place).await;
        }
        let mut state = view.state.lock();
        state.making_of = None;
        let told = state.told.take().unwrap_or_default();
        match made? {
            _ if state.spoilt => {}
            Err(Unmade::Refused(refusal)) => state.refused = Some(refusal),
            // What it is made of changed between the two.
            Err(Unmade::AsPaid(_)) => {}
            Ok(made) => {
                state.made = Some(made);
                told.iter().for_each(|(player, depth, row)| state.take(*player, *depth, row.row()));
            }
        }
        Ok(())
    }

    async fn read_past(
        &self,
        view: &PastView,
        quit_by_place: Map<PlayerId, u32>,
    ) -> Result<Result<Made, Unmade>, EngineError> {
        let PastView { line, number, part, .. } = view;
        let starts = match line.tiers_by_shares() {
            Some(_) => self.known_starts(line, *number).await?.map(|(row, _)| row),
            None => None,
        };
        let Some(rules) = Rules::new(line.clone(), *number, starts, quit_by_place) else {
            let detail = "has no past: it has too many columns to be compared over time";
            return Ok(Err(Refusal("board", detail).into()));
        };
        let members = match part {
            None => None,
            Some(part @ Part::Of(..)) => {
                // Commits take the lock: it is not held meanwhile. Who settled meanwhile is among these or not, and is told again.
                let mut members = aside(|| self.views.boards.players_of(part));
                let mut state = view.state.lock();
                for (player, belongs) in state.settled.take().unwrap_or_default() {
                    if belongs {
                        members.insert(player, ());
                    } else {
                        members.remove(&player);
                    }
                }
                let members = Some(Arc::new(members));
                state.making_of = Some(members.clone());
                members
            }
            Some(Part::Cohort(cohort)) => Some(Arc::new(self.seated_in(line, *number, *cohort).await?)),
        };
        let (mut steps, mut tracks): (Vec<Step>, Map<PlayerId, Track>) = (Vec::new(), Map::default());
        let mut fits = true;
        let mut take = |key: Key, found: Versioned| {
            let (player, depth, row) = step_of(&key, &found)?;
            if fits && is_member(&members, player) {
                let track = tracks.entry(player).or_insert_with(|| rules.begin(player));
                fits = rules.take(track, depth, row, &mut |step| steps.push(step)).is_ok();
            }
            Ok(())
        };
        match &members {
            Some(few) if few.len() <= READ_ALONE_MAX => {
                for player in few.keys() {
                    self.each(view.steps_of(*player), &mut take).await?;
                }
            }
            _ => self.each(view.steps(), &mut take).await?,
        }
        if !fits {
            return Ok(Err(TOO_GREAT.into()));
        }
        if let Err(unmade) = self.ends_as_paid(view, &rules, &members, &tracks).await? {
            return Ok(Err(unmade));
        }
        let (now, mut leaves) = (self.clock.now(), BTreeSet::new());
        for (player, track) in &mut tracks {
            rules.leave(track, now, &mut |step| steps.push(step));
            leaves.extend(rules.leaves_at(track).map(|at| (at, *player)));
        }
        let past = aside(|| {
            steps.sort_by_key(|step| step.at);
            steps.into_iter().collect()
        });
        Ok(Ok(Made { rules: Arc::new(rules), members, past, tracks, leaves }))
    }

    /// Who has a seat in a cohort.
    async fn seated_in(
        &self,
        line: &Line,
        number: u64,
        cohort: u64,
    ) -> Result<Map<PlayerId, ()>, EngineError> {
        let view = self.open_season(line, number).await?;
        let seated = view.read(None, |_, state| state.cohort(cohort).map(|(of, _)| of.seated.clone()));
        Ok(seated.flatten().unwrap_or_default().into_iter().map(|player| (player, ())).collect())
    }

    /// A season that is paid out stays as it is, whatever becomes of its results: whether these lead there still, be it as
    /// an earlier version counted them.
    async fn ends_as_paid(
        &self,
        view: &PastView,
        rules: &Rules,
        members: &Members,
        tracks: &Map<PlayerId, Track>,
    ) -> Result<Result<(), Unmade>, EngineError> {
        let (line, name) = (&view.line, &view.line.config.name);
        let is_paid = line.config.mode().is_some()
            && line.has_seasons()
            && self.get_one(&Key::Payout(name.clone(), view.number)).await?.is_some();
        if !is_paid {
            return Ok(Ok(()));
        }
        let mut left = tracks.values().filter(|track| track.entry.is_some()).count();
        let mut others: Vec<(PlayerId, EntryRow)> = Vec::new();
        self.each(KeyRange::Entries(name.clone(), view.number), |key, found| {
            if let Key::Entry(_, _, player) = &key
                && is_member(members, *player)
            {
                let (counted, paid) = (tracks.get(player), entry_of(&key, &found.row)?);
                let counted = counted.and_then(|track| track.entry.as_deref());
                if counted != Some(paid) {
                    others.push((*player, paid.clone()));
                }
                left = left.saturating_sub(usize::from(counted.is_some()));
            }
            Ok(())
        })
        .await?;
        if left > 0 {
            return Ok(Err(CHANGED.into()));
        }
        let mut quit_by_place: Map<PlayerId, u32> = Map::default();
        for (player, paid) in &others {
            let Some(quits) = self.quit_as_paid(view, rules, *player, paid).await? else {
                return Ok(Err(CHANGED.into()));
            };
            quit_by_place.insert(*player, quits);
        }
        Ok(if others.is_empty() { Ok(()) } else { Err(Unmade::AsPaid(quit_by_place)) })
    }

    async fn quit_as_paid(
        &self,
        view: &PastView,
        rules: &Rules,
        player: PlayerId,
        paid: &EntryRow,
    ) -> Result<Option<u32>, EngineError> {
        let mut steps = Vec::new();
        self.each(view.steps_of(player), |key, found| {
            if let (_, depth, StepRow::History(row)) = step_of(&key, &found)? {
                steps.push((depth, row.clone()));
            }
            Ok(())
        })
        .await?;
        Ok(rules.as_paid(&steps, paid))
    }
}
