//! The soft reset of a mode: every rating drawn towards a target by one formula, and what it would do.
//!
//! Each rating gets an entry of its own in its player's chain, which keeps the formula and not what came out. So a result
//! that is voided later moves what the reset makes of it, and a rebuild gives the same bits.
use super::chain::{Link, depth_after, standing};
use crate::{
    Call, Engine, EngineError,
    boards::BoardRef,
    jobs::{Sink, Stop},
    store::{AdjustmentKind, AdjustmentRow, ChangeSet, Home, Key, KeyRange, Row, StandingRow, Version},
};
use gsm_core::{AdjustmentId, BoardName, Map, Mode, PlayerId, limits};
use gsm_ranking::soft_reset::{Preview, PreviewPlayer, ResetConfig, Skill, SoftReset};
use gsm_rating::System;
use serde::{Deserialize, Serialize};

/// What a soft reset did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftResetReport {
    /// Ratings that were reset.
    pub players: u64,
}

/// A checked formula.
fn checked(config: ResetConfig) -> Result<SoftReset, EngineError> {
    SoftReset::new(config).map_err(|e| EngineError::invalid(format!("formula.{}", e.path), e.problem))
}

fn initial(system: &System) -> Skill {
    let rating = system.initial();
    Skill { mean: rating.mean, deviation: rating.deviation, games: 0 }
}

/// A rating after a reset; both as of the same instant.
pub(super) fn reset(
    config: ResetConfig,
    system: &System,
    rating: gsm_rating::Rating,
    games: u32,
) -> (gsm_rating::Rating, u32) {
    let skill = Skill { mean: rating.mean, deviation: rating.deviation, games };
    // What is stored was checked.
    let Ok(formula) = SoftReset::new(config) else { return (rating, games) };
    let after = formula.apply(initial(system), skill);
    (gsm_rating::Rating { mean: after.mean, deviation: after.deviation, ..rating }, after.games)
}

impl Engine {
    /// Draws all ratings of a mode towards a target, at once; the mode takes no results meanwhile (they are answered
    /// [`EngineError::Rerating`]). Boards and visible tiers follow. Costs three writes a player.
    pub async fn soft_reset(
        &self,
        call: &Call,
        mode: &Mode,
        config: ResetConfig,
        reason: &str,
    ) -> Result<SoftResetReport, EngineError> {
        checked(config)?;
        if !self.has_mode(mode) {
            return Err(EngineError::Unknown { what: "mode" });
        }
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(first) = self.replayed(call, Home::Record).await? {
                return Ok(first);
            }
            let gate = match self.close_gate(mode).await {
                Ok(gate) => gate,
                Err(EngineError::Raced(_)) => continue,
                Err(other) => return Err(other),
            };
            let mut sink = Sink::staged(self, gate);
            let prepared = self.prepare_reset(call, mode, config, reason, &mut sink).await;
            match self.close_job(sink, prepared).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn prepare_reset(
        &self,
        call: &Call,
        mode: &Mode,
        config: ResetConfig,
        reason: &str,
        sink: &mut Sink<'_>,
    ) -> Result<(ChangeSet, SoftResetReport), Stop> {
        let mut report = SoftResetReport { players: 0 };
        let mut after = None;
        while let Some(page) = self.page(&KeyRange::Ratings(mode.clone()), &mut after).await? {
            let mut players = Vec::new();
            for (key, found) in &page {
                if let (Key::Rating(_, player), (row, version)) = (key, standing(key, found)?) {
                    report.players += u64::from(row.rating.is_some());
                    // Who has none by now may have one again, should what was voided be made to count.
                    players.push((*player, row, version));
                }
            }
            self.reset_some(call, mode, config, reason, players, sink).await?;
        }
        let mut head = self.changes(call, &[mode]);
        head.because(reason);
        self.remember(&mut head, call, Home::Record, &report)?;
        Ok((head, report))
    }

    async fn reset_some(
        &self,
        call: &Call,
        mode: &Mode,
        config: ResetConfig,
        reason: &str,
        players: Vec<(PlayerId, StandingRow, Version)>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        let (name, scheme) = self.scheme_of(mode).await?;
        let seats = players.iter().map(|(player, _, _)| (*player, call.now));
        let mut tallies = self.tallies_by_hand(mode, seats).await?;
        for (player, from, version) in players {
            let from = Some(from);
            let row = AdjustmentRow {
                mode: mode.clone(),
                player,
                at: call.now,
                depth: depth_after([&from]),
                system: name,
                kind: AdjustmentKind::Reset(config),
                reason: reason.to_owned(),
                from,
            };
            let id = AdjustmentId::fresh(&*self.ids);
            let link = Link::Adjustment(id, row);
            let depth = link.place().depth;
            for moved in link.moved(&scheme) {
                let key = Key::Rating(mode.clone(), player);
                sink.put(key, Some(version), Row::Rating(moved.after)).await?;
                if let Some(step) = moved.history {
                    tallies.take(player, &step);
                    let key = Key::History(mode.clone(), player, depth);
                    sink.history(key, Some(Row::History(step))).await?;
                }
            }
            sink.put(Key::Adjustment(id), None, link.into_row()).await?;
            sink.alive().await?;
        }
        tallies.send(sink).await
    }

    /// What a soft reset would do to a mode now, and to the tiers of a board of it, if one is named. Nothing changes.
    /// Reads all ratings of the mode.
    pub async fn preview_soft_reset(
        &self,
        mode: &Mode,
        config: ResetConfig,
        board: Option<&BoardName>,
    ) -> Result<Preview, EngineError> {
        let formula = checked(config)?;
        if !self.has_mode(mode) {
            return Err(EngineError::Unknown { what: "mode" });
        }
        let now = self.clock.now();
        let (tiers, mut places) = match board {
            None => (None, Map::default()),
            Some(name) => {
                let of = BoardRef::whole(name.clone());
                let (tiers, places) = self.tier_places(&of, mode).await?;
                (Some(tiers), places)
            }
        };
        let scheme = self.rated_by(mode);
        let mut players = Vec::new();
        self.each(KeyRange::Ratings(mode.clone()), |key, found| {
            if let (Key::Rating(_, player), (StandingRow { rating: Some(row), .. }, _)) =
                (&key, standing(&key, &found)?)
            {
                let rating = scheme.system.at(row.rating, Some(row.rated_at), now);
                let skill = Skill { mean: rating.mean, deviation: rating.deviation, games: row.games };
                players.push(PreviewPlayer { skill, place: places.remove(player) });
            }
            Ok(())
        })
        .await?;
        let score = |mean: f64| (mean * 1_000.0).round() as i64;
        let tiers = tiers.as_ref().map(|(tiers, bounds)| (tiers, bounds));
        Ok(formula.preview(initial(&scheme.system), tiers, score, now, players))
    }
}
