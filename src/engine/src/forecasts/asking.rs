//! Predictions asked for, and made when matches are formed.
use super::{
    league::contributions,
    remote::{HeardOf, spoken},
};
use crate::{
    Call, Engine, EngineError, QueueConfig,
    store::{Brought, Forecast, Regions, TicketRow, Version},
};
use gsm_core::{Attribute, MatchId, Mode, PlayerId, TicketId, Variant};
use gsm_matchmaking::nearest_region;
use gsm_ml::Contribution;
use gsm_session::Roster;
use std::collections::BTreeMap;

/// A match that somebody asks about.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The mode that it would be played in.
    pub mode: Mode,
    /// Who would play with whom; players whom nobody knows are newcomers.
    pub sides: Vec<Vec<PlayerId>>,
    /// Who would come together.
    pub parties: Vec<Vec<PlayerId>>,
    /// The side with the advantage of the game, from 0, where one has it.
    pub home: Option<usize>,
    /// The variant that would be played.
    pub variant: Option<Variant>,
}

/// What is predicted of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The prediction.
    pub forecast: Forecast,
    /// Players of whom nothing was learnt yet.
    pub unknown: Vec<PlayerId>,
    /// What each feature adds to the logit, of two sides.
    pub contributions: Vec<Contribution>,
}

/// What was predicted of a match when it was formed.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchPrediction {
    /// The prediction.
    pub forecast: Forecast,
    /// What each feature added to the logit, of two sides.
    pub contributions: Vec<Contribution>,
}

impl Engine {
    /// Predicts a match from what its mode has taught so far.
    ///
    /// # Errors
    /// What is no match of two sides or more, and a mode that there is not.
    pub async fn predict(&self, call: &Call, ask: &Ask) -> Result<Asked, EngineError> {
        let roster = Roster::new(ask.sides.clone())
            .map_err(|e| EngineError::invalid("sides", e))?
            .with_parties(ask.parties.iter().map(Vec::as_slice))
            .map_err(|e| EngineError::invalid("parties", e))?
            .with_home(ask.home)
            .map_err(|e| EngineError::invalid("home", e))?
            .with_variant(ask.variant.clone());
        if !self.views.queues.has_mode(&ask.mode) && !self.views.forecasts.has(&ask.mode) {
            return Err(EngineError::Unknown { what: "mode" });
        }
        let expected = self.expected(&ask.mode, &roster, call.now).await?;
        let rating: Vec<f64> = expected.into_iter().map(gsm_core::Probability::get).collect();
        let league = self.views.forecasts.league(&ask.mode);
        let mut league = league.lock();
        let unknown = roster.players().filter(|player| league.games(*player).is_none()).collect();
        let forecast = league.forecast(&roster, call.now, &rating);
        let forecast =
            forecast.ok_or_else(|| EngineError::invalid("sides", "nothing can be predicted of them"))?;
        let contributions = forecast.inside.as_ref().map(|inside| contributions(inside)).unwrap_or_default();
        Ok(Asked { forecast, unknown, contributions })
    }

    /// What was predicted of a match when it was formed, for trusted callers.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] where there is no such match, or nothing was predicted of it.
    pub async fn match_prediction(&self, call: &Call, id: MatchId) -> Result<MatchPrediction, EngineError> {
        let view = self.match_view(call, id).await?;
        let forecast = view.row.prediction.forecast.ok_or(EngineError::Unknown { what: "prediction" })?;
        let contributions = forecast.inside.as_ref().map(|inside| contributions(inside)).unwrap_or_default();
        Ok(MatchPrediction { forecast: *forecast, contributions })
    }

    /// What is predicted of a match that is being formed, and of which somebody elsewhere was heard.
    pub(crate) fn foresee(
        &self,
        call: &Call,
        queue: &QueueConfig,
        roster: &Roster,
        rating: &[f64],
        heard: Option<&HeardOf>,
    ) -> Option<Box<Forecast>> {
        let league = self.views.forecasts.league(&queue.mode);
        let mut forecast = league.lock().forecast(roster, call.now, rating)?;
        // What was said of a match of another mode or variant is not said of this one.
        if let Some(heard) = heard.filter(|heard| heard.fits(&queue.mode, roster)) {
            forecast = spoken(forecast, heard);
        }
        if let Some(inside) = &mut forecast.inside {
            inside.regions = self.home_regions(roster);
        }
        Some(Box::new(forecast))
    }

    /// The regions in which players live; that of the match is the one in which all live of whom it is known.
    fn home_regions(&self, roster: &Roster) -> Regions {
        let home = |player| self.views.boards.home(player)?.region.clone();
        let homes: Vec<Option<Attribute>> = roster.players().map(home).collect();
        let mut known = homes.iter().flatten();
        let first = known.next().cloned();
        let is_one = known.all(|other| Some(other) == first.as_ref());
        Regions::new(first.filter(|_| is_one), homes)
    }
}

/// The regions of a match of the matcher: its own goes by the latencies of its tickets, that of a player of whom it is not
/// known where he lives by his own; `homes` where they name none.
pub(crate) fn regions_of(
    homes: &Regions,
    roster: &Roster,
    tickets: &[(TicketId, TicketRow, Version)],
) -> Regions {
    let nearest = |brought: &Brought| Attribute::new(nearest_region([&brought.latency_ms].into_iter())?).ok();
    let of = |row: &TicketRow| -> Vec<(PlayerId, Option<Attribute>)> {
        row.players.iter().zip(row.party()).map(|(of, brought)| (of.player, nearest(brought))).collect()
    };
    let near: BTreeMap<PlayerId, Option<Attribute>> =
        tickets.iter().flat_map(|(_, row, _)| of(row)).collect();
    let own = |(nth, player): (usize, PlayerId)| {
        homes.of_player(nth).cloned().or_else(|| near.get(&player).cloned().flatten())
    };
    let players = roster.players().enumerate().map(own).collect();
    Regions::new(region_of(tickets).or_else(|| homes.of_match().cloned()), players)
}

/// The region in which the worst latency of the players of tickets is least; none where they name none in common.
fn region_of(tickets: &[(TicketId, TicketRow, Version)]) -> Option<Attribute> {
    let brought = tickets.iter().flat_map(|(_, row, _)| row.party());
    let told: Vec<&Brought> = brought.filter(|of| !of.latency_ms.is_empty()).collect();
    let worst =
        |region: &str| told.iter().map(|of| of.latency_ms.get(region).copied()).collect::<Option<Vec<_>>>();
    let regions = told.first()?.latency_ms.keys();
    let ranked = regions.filter_map(|region| Some((worst(region)?.into_iter().max()?, region)));
    let (_, region) = ranked.min()?;
    Attribute::new(region).ok()
}

/// How long each player of a roster has waited.
pub(crate) fn waits_of(roster: &Roster, tickets: &[(TicketId, TicketRow, Version)], call: &Call) -> Vec<u64> {
    let waits = tickets.iter().flat_map(|(_, row, _)| {
        row.players.iter().map(|of| (of.player, call.now.since(row.queued_at).get()))
    });
    let waits: BTreeMap<PlayerId, u64> = waits.collect();
    roster.players().map(|player| waits.get(&player).copied().unwrap_or_default()).collect()
}
