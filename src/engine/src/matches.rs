//! Matches: formed by the matcher or created by a server, moved through their states, ended.
use crate::{
    Call, Engine, EngineError, Heard, Principal, QueueConfig, ResultView,
    forecasts::{regions_of, taken, waits_of},
    results::counting::rating_in,
    store::{
        Brought, ChangeSet, Claim, Expect, Forecast, Home, Key, MatchRow, Op, Prediction, PushEvent,
        PushKind, Row, TicketPlayer, TicketRow, Version, Write,
    },
    tickets::{claims_of, put_ticket, tell_formed},
    token::MatchClaim,
};
use gsm_core::{MatchId, Millis, PlayerId, QueueName, TicketId, Variant, limits};
use gsm_matchmaking::{Role, Seat};
use gsm_rating::Rating;
use gsm_session::{MatchState, PlayerSession, PlayerSessionState, Roster, TicketState};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::OnceCell;

/// Longest text by which players connect.
const CONNECTION_CHARS_MAX: usize = 256;
/// How long a match's own token outlives the match's time-out.
const TOKEN_GRACE: Millis = Millis::from_secs(24 * 3_600);

/// A match that a server asks for, outside the matcher.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMatch {
    /// Its queue: names the mode and the rating system.
    pub queue: QueueName,
    /// Who plays with whom.
    pub sides: Vec<Vec<PlayerId>>,
    /// Who came together; who is in none came alone.
    pub parties: Vec<Vec<PlayerId>>,
    /// The side with the advantage of the game, from 0, where one has it.
    pub home: Option<usize>,
    /// The variant of the mode that is to be played, where it is another than the queue's.
    pub variant: Option<Variant>,
}

/// A match as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchView {
    /// Its id.
    pub id: MatchId,
    /// The row.
    pub row: MatchRow,
    /// For servers: the token that reports this match alone.
    pub server_token: Option<String>,
    /// Its result, once reported.
    pub result: Option<ResultView>,
}

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
    pub(crate) heard: Option<Heard>,
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
                // A stale read, or a claim that went another way: the ticket's version will tell.
                _ => return Err(EngineError::Raced(None)),
            }
        }
        for (ticket, mut ticket_row, version) in forming.tickets {
            ticket_row.state = TicketState::Completed;
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

    fn new_match_row(
        &self,
        call: &Call,
        queue: &QueueConfig,
        roster: Roster,
        ratings: &[Vec<Rating>],
        heard: Option<&Heard>,
    ) -> MatchRow {
        let expected: Vec<f64> = self
            .rates(queue)
            .expected(ratings, roster.home())
            .into_iter()
            .map(gsm_core::Probability::get)
            .collect();
        let forecast = self.foresee(call, queue, &roster, &expected, heard);
        MatchRow {
            queue: Some(queue.name.clone()),
            mode: queue.mode.clone(),
            player_sessions: roster
                .players()
                .map(|player| PlayerSession::reserve(player, call.now))
                .collect(),
            roster,
            teams: Vec::new(),
            roles: BTreeMap::new(),
            state: MatchState::Running,
            created_at: call.now,
            changed_at: call.now,
            expires_at: call.now.saturating_add(queue.match_timeout_ms),
            tickets: Vec::new(),
            claimed: false,
            prediction: Prediction { model: queue.rating.name().to_owned(), expected, forecast },
            spread: 0.0,
            wait_ms_max: Millis::ZERO,
            connection: None,
            created_by: None,
        }
    }

    /// Creates a match outside the matcher. Its players may be in others (decisions.md 12); only its creator reports it.
    pub async fn create_match(&self, call: &Call, new: &NewMatch) -> Result<MatchView, EngineError> {
        let queue = self.queue(&new.queue)?;
        let roster = Roster::new(new.sides.clone())
            .map_err(|e| EngineError::invalid("sides", e))?
            .with_parties(new.parties.iter().map(Vec::as_slice))
            .map_err(|e| EngineError::invalid("parties", e))?
            .with_home(new.home)
            .map_err(|e| EngineError::invalid("home", e))?
            .with_variant(new.variant.as_ref().or(queue.variant.as_ref()).cloned());
        let heard = OnceCell::new();
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_create_match(call, &queue, &roster, &heard).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_create_match(
        &self,
        call: &Call,
        queue: &QueueConfig,
        roster: &Roster,
        heard: &OnceCell<Option<Heard>>,
    ) -> Result<MatchView, EngineError> {
        if let Some(first) = self.replayed::<MatchView>(call, Home::Live).await? {
            let server_token = Some(self.match_token(first.id, &first.row));
            return Ok(MatchView { server_token, ..first });
        }
        let players: Vec<PlayerId> = roster.players().collect();
        let profiles: Vec<Key> = players.iter().map(|p| Key::Player(*p)).collect();
        if let Some(at) = self.get(Home::Document, &profiles).await?.iter().position(Option::is_none) {
            let player = players.get(at).map(ToString::to_string).unwrap_or_default();
            return Err(EngineError::invalid("players", format!("there is no player `{player}`")));
        }
        let rows = self.ratings(&queue.mode, &players).await?;
        let mut rows = rows.into_iter();
        let system = self.rates(queue);
        let ratings: Vec<Vec<Rating>> = roster
            .sides()
            .iter()
            .map(|side| {
                rows.by_ref()
                    .take(side.len())
                    .map(|row| rating_in(&system, row.as_ref(), roster.variant(), call.now))
                    .collect()
            })
            .collect();
        // Once, however often the commit is tried.
        let heard = heard.get_or_init(|| self.hear_of(&queue.mode, roster, call.now)).await;
        let id = MatchId::fresh(&*self.ids);
        let row = MatchRow {
            created_by: Some(call.principal.to_string()),
            ..self.new_match_row(call, queue, roster.clone(), &ratings, heard.as_ref())
        };
        let mut changes = self.changes(call, &[&id, &queue.name]);
        changes.create(Key::Match(id), Row::Match(Box::new(row.clone())));
        // What is kept for a repeat is without the token, which follows from the rest.
        let view = MatchView { id, row, server_token: None, result: None };
        self.remember(&mut changes, call, Home::Live, &view)?;
        self.commit(Home::Live, changes).await?;
        let server_token = Some(self.match_token(id, &view.row));
        Ok(MatchView { server_token, ..view })
    }

    pub(crate) fn match_token(&self, id: MatchId, row: &MatchRow) -> String {
        self.tokens.issue(&MatchClaim {
            match_id: id,
            mode: row.mode.clone(),
            queue: row.queue.clone(),
            roster: row.roster.clone(),
            expires_at: row.expires_at.saturating_add(TOKEN_GRACE),
        })
    }

    /// A match that has not ended, with its version; `None` if it has, or never was.
    pub(crate) async fn live_match(&self, id: MatchId) -> Result<Option<(MatchRow, Version)>, EngineError> {
        let key = Key::Match(id);
        match self.get_one(&key).await? {
            None => Ok(None),
            Some(found) => match &*found.row {
                Row::Match(row) => Ok(Some(((**row).clone(), found.version))),
                _ => Err(EngineError::damaged(&key)),
            },
        }
    }

    /// A match that has ended.
    pub(crate) async fn archived_match(&self, id: MatchId) -> Result<Option<MatchRow>, EngineError> {
        let key = Key::Archive(id);
        match self.get_one(&key).await?.map(|found| found.row) {
            None => Ok(None),
            Some(row) => match &*row {
                Row::Match(row) => Ok(Some((**row).clone())),
                _ => Err(EngineError::damaged(&key)),
            },
        }
    }

    /// Whether the caller may know of this match at all.
    pub(crate) fn sees_match(call: &Call, id: MatchId, row: &MatchRow) -> bool {
        match &call.principal {
            Principal::Player(player) => row.roster.side_of(*player).is_some(),
            Principal::Server(_) => {
                row.created_by.as_ref().is_none_or(|by| *by == call.principal.to_string())
            }
            Principal::Match(own) => *own == id,
            Principal::Admin(_) | Principal::System => true,
            Principal::Anonymous => false,
        }
    }

    /// A match and, once it counts, its result.
    pub async fn match_view(&self, call: &Call, id: MatchId) -> Result<MatchView, EngineError> {
        const NONE: EngineError = EngineError::Unknown { what: "match" };
        let result = self.result_view(id).await?;
        let mut row = match self.live_match(id).await? {
            Some((row, _)) => row,
            None => match (self.archived_match(id).await?, &result) {
                (Some(row), _) => row,
                (None, Some(result)) => crate::results::match_of_result(&result.row),
                (None, None) => return Err(NONE),
            },
        };
        if !Self::sees_match(call, id, &row) {
            return Err(NONE);
        }
        if result.is_some() {
            // The record home decides: what the live home says may follow a moment later.
            row.state = MatchState::Finished;
        }
        Ok(self.view_of(call, id, row, result))
    }

    fn view_of(&self, call: &Call, id: MatchId, mut row: MatchRow, result: Option<ResultView>) -> MatchView {
        let hosts =
            matches!(call.principal, Principal::Server(_) | Principal::Admin(_) | Principal::Match(_));
        if let Some(forecast) = row.prediction.forecast.as_mut().filter(|_| !hosts) {
            forecast.inside = None;
        }
        let server_token = self.host_token(call, id, &row);
        MatchView { id, row, server_token, result }
    }

    /// The token that reports a match, for who hosts matches: an operator who may only look must not get it.
    pub(crate) fn host_token(&self, call: &Call, id: MatchId, row: &MatchRow) -> Option<String> {
        let hosts = matches!(call.principal, Principal::Server(_) | Principal::Match(_));
        (hosts && !row.state.is_terminal()).then(|| self.match_token(id, row))
    }

    /// Moves a match to another state; ending it without a result leaves it unrated.
    pub async fn move_match(
        &self,
        call: &Call,
        id: MatchId,
        to: MatchState,
        connection: Option<String>,
    ) -> Result<MatchView, EngineError> {
        if connection.as_ref().is_some_and(|c| {
            c.is_empty() || c.chars().count() > CONNECTION_CHARS_MAX || c.chars().any(char::is_control)
        }) {
            return Err(EngineError::invalid(
                "connection",
                format!("1 to {CONNECTION_CHARS_MAX} printable characters"),
            ));
        }
        let mut tries = self.lines.tries_at(&Key::Match(id));
        while tries.again().await {
            match self.try_move_match(call, id, to, connection.as_ref()).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_move_match(
        &self,
        call: &Call,
        id: MatchId,
        to: MatchState,
        connection: Option<&String>,
    ) -> Result<MatchView, EngineError> {
        match self.replayed::<Option<MatchView>>(call, Home::Live).await? {
            Some(Some(first)) => {
                let server_token = self.host_token(call, id, &first.row);
                return Ok(MatchView { server_token, ..first });
            }
            Some(None) => return self.match_view(call, id).await,
            None => {}
        }
        let Some((mut row, version)) = self.live_match(id).await? else {
            // Ended: the table says that nothing follows. Unless the read was stale, and it runs.
            self.match_view(call, id).await?.row.state.step(to)?;
            return Err(EngineError::Raced(None));
        };
        if !Self::sees_match(call, id, &row) || matches!(call.principal, Principal::Player(_)) {
            return Err(EngineError::Unknown { what: "match" });
        }
        if self.get_one(&Key::Result(id)).await?.is_some() {
            // The result is there, the live home just does not know yet.
            MatchState::Finished.step(to)?;
        }
        row.state = row.state.step(to)?;
        if row.state.is_terminal() && self.reports_row(id).await?.is_some() {
            return Err(EngineError::ReportsOpen { match_id: id });
        }
        row.changed_at = call.now;
        if let Some(connection) = connection {
            row.connection = Some(connection.clone());
        }
        let mut changes = self.changes(call, &[&id]);
        // Not read again: a stale read would deny what was just done.
        let view = self.view_of(call, id, row.clone(), None);
        // What is kept for a repeat is without the token, which follows from the rest.
        self.remember(&mut changes, call, Home::Live, &MatchView { server_token: None, ..view.clone() })?;
        if row.state.is_terminal() {
            self.end_match(changes, id, row, version).await?;
        } else {
            tell_match(&mut changes, id, &row);
            changes.replace(Key::Match(id), Some(version), Row::Match(Box::new(row)));
            self.commit(Home::Live, changes).await?;
        }
        Ok(view)
    }

    /// Moves one player's session of a running match.
    pub async fn move_player_session(
        &self,
        call: &Call,
        id: MatchId,
        player: PlayerId,
        to: PlayerSessionState,
    ) -> Result<PlayerSession, EngineError> {
        let mut tries = self.lines.tries_at(&Key::Match(id));
        while tries.again().await {
            if let Some(first) = self.replayed(call, Home::Live).await? {
                return Ok(first);
            }
            let Some((mut row, version)) = self.live_match(id).await? else {
                return Err(EngineError::Unknown { what: "running match" });
            };
            if !Self::sees_match(call, id, &row) || matches!(call.principal, Principal::Player(_)) {
                return Err(EngineError::Unknown { what: "match" });
            }
            let session = row.player_sessions.iter_mut().find(|s| s.player == player);
            let session = session.ok_or(EngineError::Unknown { what: "player session" })?;
            let moved = (*session).step(to, call.now)?;
            *session = moved;
            let mut changes = self.changes(call, &[&id, &player]);
            changes.replace(Key::Match(id), Some(version), Row::Match(Box::new(row)));
            self.remember(&mut changes, call, Home::Live, &moved)?;
            match self.commit(Home::Live, changes).await {
                Ok(_) => return Ok(moved),
                Err(EngineError::Raced(row)) => tries.lost(row),
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Abandons a match whose time is up; whether it was still running.
    pub(crate) async fn expire_match(&self, call: &Call, id: MatchId) -> Result<bool, EngineError> {
        let Some((mut row, version)) = self.live_match(id).await? else {
            if self.is_gone(Key::Match(id)).await? {
                self.views.pools.running(id, None);
            }
            return Ok(false);
        };
        if row.expires_at > call.now || self.get_one(&Key::Result(id)).await?.is_some() {
            return Ok(false);
        }
        if let Some((reports, _)) = self.reports_row(id).await? {
            // Its end is decided by those.
            self.begin_reporting(id, &reports).await?;
            return Ok(false);
        }
        row.state = row.state.step(MatchState::Abandoned)?;
        row.changed_at = call.now;
        match self.end_match(self.changes(call, &[&id]), id, row, version).await {
            Ok(()) => Ok(true),
            Err(EngineError::Raced(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Commits the end of a match in the live and the document home. `row` has its last state already.
    async fn end_match(
        &self,
        mut changes: ChangeSet,
        id: MatchId,
        row: MatchRow,
        version: Version,
    ) -> Result<(), EngineError> {
        self.add_match_end(&mut changes, id, &row, version).await?;
        if self.homes.is_one() {
            // Whoever began to report it in the meantime is heard.
            changes.check(Key::Reports(id), Expect::Absent);
            changes.folds.push(archive(id, &row));
        } else {
            // First the copy, then the end: in between it is in both, never in neither. The copy that a result made
            // stays: a result is committed before it is copied, so that either is seen here.
            let key = Key::Archive(id);
            let old = self.get_one(&key).await?;
            if old.is_some() && !self.is_gone(Key::Result(id)).await? {
                return Err(EngineError::Raced(None));
            }
            let mut copy = self.changes(&Call::system("gsm:ArchiveMatch", changes.at), &[&id]);
            copy.audit = None;
            copy.replace(key, old.map(|found| found.version), Row::Match(Box::new(row)));
            self.commit(Home::Document, copy).await?;
        }
        self.commit(Home::Live, changes).await?;
        Ok(())
    }

    /// Adds to a live change set all that the end of a match changes there.
    pub(crate) async fn add_match_end(
        &self,
        changes: &mut ChangeSet,
        id: MatchId,
        row: &MatchRow,
        version: Version,
    ) -> Result<(), EngineError> {
        if row.claimed {
            let keys: Vec<Key> = row.roster.players().map(Key::Claim).collect();
            for (key, found) in keys.iter().zip(self.get(Home::Live, &keys).await?) {
                match found {
                    Some(found) if matches!(&*found.row, Row::Claim(Claim::Match(m)) if *m == id) => {
                        changes.delete(key.clone(), found.version);
                    }
                    // Another's, or a stale read: then the commit must not pass, or the claim would stay for ever.
                    found => {
                        changes.check(key.clone(), found.map_or(Expect::Absent, |f| Expect::At(f.version)));
                    }
                }
            }
        }
        tell_match(changes, id, row);
        changes.delete(Key::Match(id), version);
        Ok(())
    }
}

/// How many writes the end of a match takes: its row, and what holds its players.
pub(crate) fn end_writes(row: &MatchRow) -> usize {
    1 + if row.claimed { row.roster.players().count() } else { 0 }
}

/// The write that keeps an ended match.
pub(crate) fn archive(id: MatchId, row: &MatchRow) -> Write {
    let op = Op::Put { row: Arc::new(Row::Match(Box::new(row.clone()))), expires_at: None };
    Write { key: Key::Archive(id), expect: Expect::Any, op }
}

/// Tells a match's players where it stands.
pub(crate) fn tell_match(changes: &mut ChangeSet, id: MatchId, row: &MatchRow) {
    let at = changes.at;
    let prediction = row.prediction.forecast.as_ref().filter(|_| !row.state.is_terminal());
    for player in row.roster.players() {
        let kind = PushKind::Match {
            match_id: id,
            state: row.state,
            connection: row.connection.clone(),
            prediction: prediction.map(|of| Box::new(of.shown())),
        };
        changes.event(player, PushEvent { at, kind });
    }
}
