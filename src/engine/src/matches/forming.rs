//! A match that the matcher formed: all that it changes.
use crate::{
    Call, Engine, EngineError, HeardOf, QueueConfig,
    forecasts::{regions_of, taken, waits_of},
    store::{
        Brought, ChangeSet, Claim, Expect, Forecast, Home, Key, MatchRow, Row, TicketPlayer, TicketRow,
        Version,
    },
    tickets::{claims_of, put_ticket, tell_formed},
};
use gsm_core::{MatchId, PlayerId, TicketId};
use gsm_matchmaking::{Role, Seat};
use gsm_rating::Rating;
use gsm_session::{Roster, TicketState};
use std::{collections::BTreeMap, sync::Arc};

/// What a formed match is made from.
pub(crate) struct Forming {
    pub(crate) id: MatchId,
    pub(crate) queue: Arc<QueueConfig>,
    pub(crate) sides: Vec<Vec<Seat>>,
    /// Names of the sides; empty where the rules name none.
    pub(crate) teams: Vec<String>,
    /// Of the players to whom the rules give one.
    pub(crate) roles: BTreeMap<PlayerId, Role>,
    pub(crate) tickets: Vec<(TicketId, TicketRow, Version)>,
    /// What a model elsewhere said of it, where one was asked.
    pub(crate) heard: Option<HeardOf>,
}

impl Forming {
    /// The team that each player is on, where the rules name teams.
    fn team_of(&self) -> BTreeMap<PlayerId, String> {
        let teams = self.sides.iter().zip(&self.teams);
        teams.flat_map(|(side, team)| side.iter().map(|seat| (seat.player, team.clone()))).collect()
    }

    fn rating_of(&self, player: PlayerId) -> Rating {
        let mut players = self.tickets.iter().flat_map(|(_, row, _)| &row.players);
        players.find(|p| p.player == player).map_or_else(|| self.queue.rating.initial(), |p| p.rating)
    }
}

impl Engine {
    /// Adds to `changes` all that the forming of a match changes: the match, its tickets, its players' claims.
    pub(crate) async fn add_formed_match(
        &self,
        changes: &mut ChangeSet,
        call: &Call,
        forming: Forming,
    ) -> Result<Option<Box<Forecast>>, EngineError> {
        let id = forming.id;
        let team_of = forming.team_of();
        // A team of a rule set may be without players; a side of a match is not.
        let (sides, home) = taken(&forming.queue, &forming.sides);
        let teams = forming.sides.iter().zip(&forming.teams).filter(|(side, _)| !side.is_empty());
        let teams = teams.map(|(_, team)| team.clone()).collect();
        let ratings: Vec<Vec<Rating>> =
            sides.iter().map(|side| side.iter().map(|player| forming.rating_of(*player)).collect()).collect();
        let parties: Vec<Vec<PlayerId>> = forming
            .tickets
            .iter()
            .filter(|(_, row, _)| !row.backfill)
            .map(|(_, row, _)| row.players.iter().map(|p| p.player).collect())
            .collect();
        let roster = Roster::formed(sides)
            .and_then(|roster| roster.with_parties(parties.iter().map(Vec::as_slice)))
            .and_then(|roster| roster.with_home(home))
            .map_err(|e| EngineError::invalid("roster", e))?
            .with_variant(forming.queue.variant.clone());
        let means = forming.tickets.iter().map(|(_, row, _)| {
            row.players.iter().map(|p| p.rating.mean).sum::<f64>() / row.players.len().max(1) as f64
        });
        let (low, high) = means
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), mean| (low.min(mean), high.max(mean)));
        let wait_ms_max =
            forming.tickets.iter().map(|(_, row, _)| call.now.since(row.queued_at)).max().unwrap_or_default();
        let mut made = self.new_match_row(call, &forming.queue, roster, &ratings, forming.heard.as_ref());
        if let Some(inside) = made.prediction.forecast.as_mut().and_then(|of| of.inside.as_mut()) {
            inside.regions = regions_of(&inside.regions, &made.roster, &forming.tickets);
            inside.waits_ms = waits_of(&made.roster, &forming.tickets, call);
        }
        let row = MatchRow {
            tickets: forming.tickets.iter().map(|(id, ..)| *id).collect(),
            claimed: true,
            spread: (high - low).max(0.0),
            wait_ms_max,
            teams,
            roles: forming.roles.clone(),
            ..made
        };
        let forecast = row.prediction.forecast.clone();
        let keys: Vec<Key> = forming.tickets.iter().flat_map(|(_, row, _)| claims_of(row)).collect();
        for (key, found) in keys.iter().zip(self.get(Home::Live, &keys).await?) {
            match found {
                Some(found) if matches!(&*found.row, Row::Claim(Claim::Ticket(t)) if row.tickets.contains(t)) => {
                    if matches!(key, Key::Backfill(_)) {
                        changes.delete(key.clone(), found.version);
                    } else {
                        changes.replace(key.clone(), Some(found.version), Row::Claim(Claim::Match(id)));
                    }
                }
                // Of the two places where a backfill may be written one has it.
                found if matches!(key, Key::Backfill(_)) => {
                    changes.check(key.clone(), found.map_or(Expect::Absent, |f| Expect::At(f.version)));
                }
                // A stale read, or a claim that went another way: the ticket's version will tell.
                _ => return Err(EngineError::Raced(None)),
            }
        }
        for (ticket, mut ticket_row, version) in forming.tickets {
            ticket_row.state = ticket_row.state.step(TicketState::Completed)?;
            ticket_row.ended_at = Some(call.now.max(ticket_row.queued_at));
            (ticket_row.proposal, ticket_row.reason) = (None, None);
            ticket_row.match_id = Some(id);
            let has_role = |player: &TicketPlayer| forming.roles.contains_key(&player.player);
            if ticket_row.brought.is_empty() && ticket_row.players.iter().any(has_role) {
                ticket_row.brought = vec![Brought::default(); ticket_row.players.len()];
            }
            for (player, brought) in ticket_row.players.iter().zip(&mut ticket_row.brought) {
                brought.role = forming.roles.get(&player.player).cloned();
                brought.team = team_of.get(&player.player).cloned();
            }
            tell_formed(changes, ticket, &ticket_row, forecast.as_deref());
            put_ticket(changes, ticket, &ticket_row, version);
        }
        changes.create(Key::Match(id), Row::Match(Box::new(row)));
        if let Some(audit) = &mut changes.audit {
            audit.resources.push(id.to_string());
        }
        Ok(forecast)
    }
}
