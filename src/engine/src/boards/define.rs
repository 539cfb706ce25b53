//! Boards are documents: made, changed, given up.
use super::{BoardConfig, Source, line::Line};
use crate::{
    Call, Engine, EngineError,
    jobs::{Sink, Stop},
    store::{ChangeSet, Expect, Home, Key, KeyRange, Row},
};
use gsm_core::{BoardName, Mode, Timestamp, limits};
use gsm_ranking::season::{Schedule, ScheduleConfig};
use std::sync::Arc;

impl Engine {
    /// Makes a board, or changes it. It is filled from what is there before this returns.
    pub async fn put_board(&self, call: &Call, config: BoardConfig) -> Result<BoardConfig, EngineError> {
        config.validate()?;
        if let Source::Mode(mode) = &config.source
            && !self.has_mode(mode)
            && self.views.boards.named(&config.name).is_none()
        {
            return Err(EngineError::Unknown { what: "mode" });
        }
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_put_board(call, &config).await {
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
                Ok(()) => {
                    self.fill_boards().await?;
                    return Ok(config);
                }
            }
        }
        Err(EngineError::Contended)
    }

    /// Refuses a mode that is not there yet if its own board could not be seen, since another board has the name.
    pub fn check_new_mode(&self, mode: &Mode) -> Result<(), EngineError> {
        if self.has_mode(mode) {
            return Ok(());
        }
        let taken = BoardName::new(mode.as_str()).ok().and_then(|name| self.views.boards.named(&name));
        if taken.is_none_or(|line| line.config.mode() == Some(mode)) {
            return Ok(());
        }
        let what = format!(
            "`{mode}` is the name of a board that does not follow this mode, and the mode's own board would have it: choose \
             another mode, or delete that board first"
        );
        Err(EngineError::invalid("mode", what))
    }

    /// Refuses a board whose name is that of a mode's own, and a new one where there are as many as there may be. What it
    /// says holds as long as nobody else defines anything.
    async fn check_board(&self, config: &BoardConfig, is_new: bool) -> Result<(), EngineError> {
        let followed = if let Source::Mode(mode) = &config.source { mode.as_str() } else { "" };
        let named = Mode::new(config.name.as_str()).ok().filter(|mode| mode.as_str() != followed);
        if named.is_some_and(|mode| self.has_mode(&mode)) {
            let what = format!(
                "is that of a mode's own board: say `\"mode\": \"{}\"` to define that one",
                config.name
            );
            return Err(EngineError::invalid("name", what));
        }
        if is_new {
            let (range, most) = (KeyRange::Boards, limits::BOARDS_MAX);
            if self.store(range.home()).list(&range, None, most, false).await?.len() >= most {
                return Err(EngineError::TooManyBoards);
            }
        }
        Ok(())
    }

    async fn try_put_board(&self, call: &Call, config: &BoardConfig) -> Result<(), EngineError> {
        if self.replayed::<()>(call, Home::Document).await?.is_some() {
            return Ok(());
        }
        // What is left of one that was given up is not this one's.
        self.close_board(&config.name).await?;
        let key = Key::Board(config.name.clone());
        let found = self.get_one(&key).await?;
        let is_new = found.is_none();
        self.check_board(config, is_new).await?;
        let mut known = None;
        if let Some(found) = &found {
            let Row::Board(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let there = BoardConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?;
            if there.source != config.source {
                return Err(EngineError::invalid("source", "stays as it is: delete the board first"));
            }
            if there.season.is_none() && config.season.is_some() {
                let detail = "a board without seasons is given none later: define another board, or delete this one first";
                return Err(EngineError::invalid("season", detail));
            }
            if !keeps_seasons(&there, config, call.now) {
                return Err(EngineError::invalid(
                    "season",
                    "a board with seasons stays as it is, but for instants to come: define another board, or delete it",
                ));
            }
            if there.past != config.past {
                let detail = "stays as it is: define another board, or delete this one first";
                return Err(EngineError::invalid("past", detail));
            }
            if there.past && config.columns.len() > there.columns.len() {
                let detail = "are more than the board had, and its past may have numbers that do not compare with another beside \
                              them: define another board, or delete this one first";
                return Err(EngineError::invalid("columns", detail));
            }
            if !keeps_steps(&there, config) {
                let detail = "cannot be asked of a board whose past was kept without it: submissions that changed no number are \
                              not in it; define another board, or delete this one first";
                return Err(EngineError::invalid("eligibility", detail));
            }
            known = Some(there);
        }
        let was_counting = known.as_ref().is_some_and(BoardConfig::has_entries);
        let json = config.to_json().map_err(|e| EngineError::invalid("board", e))?;
        let mut changes = self.changes(call, &[&config.name]);
        changes.replace(key, found.map(|f| f.version), Row::Board(json));
        if self.homes.is_one() {
            changes.check(Key::Closing(config.name.clone()), Expect::Absent);
        }
        if let Source::Mode(mode) = &config.source
            && config.has_entries()
        {
            return self.put_counted(call, (config, is_new), mode, changes).await;
        }
        self.remember(&mut changes, call, Home::Document, &())?;
        {
            let _turn = self.defining.lock().await;
            self.check_board(config, is_new).await?;
            self.commit(Home::Document, changes).await?;
        }
        match config.mode().filter(|_| was_counting) {
            Some(mode) => self.forget_counted(&config.name, mode).await,
            None => Ok(()),
        }
    }

    /// A board that counts results: its entries are counted from the histories behind the mode's gate, so that no
    /// result is left out. Where documents are another store the board is there first, and a call that ends between
    /// the two is repeated by its caller.
    async fn put_counted(
        &self,
        call: &Call,
        (config, is_new): (&BoardConfig, bool),
        mode: &Mode,
        mut changes: ChangeSet,
    ) -> Result<(), EngineError> {
        let line = Arc::new(Line::new(config.clone(), call.now, false));
        let gate = self.close_gate(mode).await?;
        let mut sink = Sink::staged(self, gate);
        if let Err(stop) = self.count_all(line, mode, &mut sink).await {
            return self.close_job(sink, Err(stop)).await;
        }
        // Counting takes a while, and others may define something meanwhile.
        let turn = match sink.wait_for(self.defining.lock()).await {
            Ok(turn) => turn,
            Err(error) => return self.close_job(sink, Err(error.into())).await,
        };
        let head = if let Err(error) = self.check_board(config, is_new).await {
            Err(error)
        } else if self.homes.is_one() {
            self.remember(&mut changes, call, Home::Document, &()).map(|()| changes)
        } else {
            self.commit(Home::Document, changes).await.map(|_| self.staging())
        };
        let prepared = head.map(|head| (head, ())).map_err(Into::into);
        // The board is there with the decision: whoever defines something then sees it.
        self.close_job_of(sink, prepared, turn).await
    }

    async fn count_all(&self, line: Arc<Line>, mode: &Mode, sink: &mut Sink<'_>) -> Result<(), Stop> {
        self.name_counted(mode, &line.config, sink).await?;
        self.recount_board(line, mode, sink).await.map(drop)
    }
}

/// Whether the steps that were kept tell the past of the board as it is defined anew: where nothing was asked of players,
/// only those are kept that changed a number.
fn keeps_steps(known: &BoardConfig, new: &BoardConfig) -> bool {
    !known.past || known.keeps_every_step() || !new.keeps_every_step()
}

/// Whether every season that has begun stays what it is: a board that has seasons changes in nothing but instants to
/// come.
fn keeps_seasons(known: &BoardConfig, new: &BoardConfig, now: Timestamp) -> bool {
    let begun = |config: &BoardConfig| -> Option<Vec<Timestamp>> {
        let Some(season @ ScheduleConfig::At { starts_at }) = &config.season else { return None };
        let schedule = Schedule::new(season).ok()?;
        let starts = (1..=starts_at.len() as u64).filter_map(|number| schedule.season(number));
        Some(starts.map(|season| season.starts_at).filter(|start| *start <= now).collect())
    };
    if known.season.is_none() && new.season.is_none() {
        return true;
    }
    let same = BoardConfig { season: known.season.clone(), ..new.clone() } == *known;
    same && (known.season == new.season || begun(known).is_some_and(|starts| begun(new) == Some(starts)))
}
