//! Boards are documents: made, changed, given up.
use super::{BoardConfig, Source, line::Line};
use crate::{
    Call, Engine, EngineError,
    jobs::{Sink, Stop},
    store::{ChangeSet, Home, Key, KeyRange, Row},
};
use gsm_core::{BoardName, Mode, Timestamp, limits};
use gsm_ranking::season::{Schedule, ScheduleConfig};
use std::sync::Arc;

impl Engine {
    /// Makes a board, or changes it. It is filled from what is there before this returns.
    pub async fn put_board(&self, call: &Call, config: BoardConfig) -> Result<BoardConfig, EngineError> {
        config.validate()?;
        if let Source::Mode(mode) = &config.source {
            if !self.views.queues.has_mode(mode) && self.views.boards.named(&config.name).is_none() {
                return Err(EngineError::Unknown { what: "mode" });
            }
            let other = config.name.as_str() != mode.as_str()
                && self.views.queues.all().iter().any(|queue| queue.mode.as_str() == config.name.as_str());
            if other {
                return Err(EngineError::invalid("name", "is that of another mode's own board"));
            }
        }
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_put_board(call, &config).await {
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
                Ok(()) => {
                    self.fill_boards().await?;
                    return Ok(config);
                }
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_put_board(&self, call: &Call, config: &BoardConfig) -> Result<(), EngineError> {
        if self.replayed::<()>(call, Home::Document).await?.is_some() {
            return Ok(());
        }
        let key = Key::Board(config.name.clone());
        let found = self.get_one(&key).await?;
        if found.is_none() && self.views.boards.all().len() >= limits::BOARDS_MAX {
            return Err(EngineError::TooManyBoards);
        }
        let mut known = None;
        if let Some(found) = &found {
            let Row::Board(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let there = BoardConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?;
            if there.source != config.source {
                return Err(EngineError::invalid("source", "stays as it is: delete the board first"));
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
            known = Some(there);
        }
        let was_counting = known.as_ref().is_some_and(BoardConfig::has_entries);
        let json = config.to_json().map_err(|e| EngineError::invalid("board", e))?;
        let mut changes = self.changes(call, &[&config.name]);
        changes.replace(key, found.map(|f| f.version), Row::Board(json));
        if let Source::Mode(mode) = &config.source
            && config.has_entries()
        {
            return self.put_counted(call, config, mode, changes).await;
        }
        self.remember(&mut changes, call, Home::Document, &())?;
        self.commit(Home::Document, changes).await?;
        if was_counting { self.forget_counted(config).await } else { Ok(()) }
    }

    /// A board that counts results: its entries are counted from the histories behind the mode's gate, so that no
    /// result is left out. Where documents are another store the board is there first, and a call that ends between
    /// the two is repeated by its caller.
    async fn put_counted(
        &self,
        call: &Call,
        config: &BoardConfig,
        mode: &Mode,
        mut changes: ChangeSet,
    ) -> Result<(), EngineError> {
        let line = Arc::new(Line::new(config.clone(), call.now, false));
        let gate = self.close_gate(mode).await?;
        let mut sink = Sink::staged(self, gate);
        if let Err(stop) = self.count_all(line, mode, &mut sink).await {
            return self.close_job(sink, Err(stop)).await;
        }
        let head = if self.homes.is_one() {
            self.remember(&mut changes, call, Home::Document, &()).map(|()| changes)
        } else {
            self.commit(Home::Document, changes).await.map(|_| self.staging())
        };
        let prepared = head.map(|head| (head, ())).map_err(Into::into);
        self.close_job(sink, prepared).await
    }

    async fn count_all(&self, line: Arc<Line>, mode: &Mode, sink: &mut Sink<'_>) -> Result<(), Stop> {
        self.name_counted(mode, &line.config, sink).await?;
        self.recount_board(line, mode, sink).await.map(drop)
    }

    /// Gives up a board that was defined. What was submitted to it goes too; ratings stay.
    pub async fn delete_board(&self, call: &Call, name: &BoardName) -> Result<(), EngineError> {
        let key = Key::Board(name.clone());
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.replayed::<()>(call, Home::Document).await?.is_some() {
                return Ok(());
            }
            let Some(found) = self.get_one(&key).await? else {
                return Err(EngineError::Unknown { what: "board: none is defined under this name" });
            };
            let Row::Board(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
            // One that cannot be read can be given up too.
            let config = BoardConfig::from_json(json).ok();
            let mut changes = self.changes(call, &[name]);
            changes.delete(key.clone(), found.version);
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => {
                    if let Some(config) = config {
                        self.forget_counted(&config).await?;
                    }
                    self.clear_entries(name).await?;
                    return self.fill_boards().await;
                }
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Removes the entries and seats of a board that is no more, and what is known of its payouts and tiers.
    async fn clear_entries(&self, name: &BoardName) -> Result<(), EngineError> {
        let ranges = [
            KeyRange::AllEntries,
            KeyRange::AllScored,
            KeyRange::AllSeats,
            KeyRange::AllSeated,
            KeyRange::AllBuckets,
            KeyRange::AllOpened,
            KeyRange::Payouts,
            KeyRange::AllStarts,
        ];
        for range in ranges {
            self.clear(name, &range(name.clone())).await?;
        }
        Ok(())
    }

    async fn clear(&self, name: &BoardName, range: &KeyRange) -> Result<(), EngineError> {
        let room = self.store(Home::Record).limits().items_max.clamp(1, limits::PAGE_SIZE_MAX);
        loop {
            let page = self.store(Home::Record).list(range, None, room, false).await?;
            if page.is_empty() {
                return Ok(());
            }
            let call = Call::system("gsm:DeleteBoard", self.clock.now());
            let mut changes = self.changes(&call, &[name]);
            changes.audit = None;
            for (key, found) in page {
                changes.delete(key, found.version);
            }
            match self.commit(Home::Record, changes).await {
                Ok(_) | Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
    }
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
