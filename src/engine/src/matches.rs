//! Matches: created by a server, read, moved through their states.
mod ending;
mod forming;

pub(crate) use ending::{archive, end_writes, tell_match};
pub(crate) use forming::Forming;

use crate::{
    Call, Engine, EngineError, HeardOf, Principal, QueueConfig, ResultView,
    queues::TIMEOUT_MAX,
    results::counting::rating_in,
    store::{Home, Key, MatchRow, Prediction, Row, Version},
    token::{MatchClaim, TOKEN_LIFE_MAX},
};
use gsm_core::{MatchId, Millis, PlayerId, QueueName, Variant, limits};
use gsm_rating::Rating;
use gsm_session::{MatchState, PlayerSession, PlayerSessionState, Roster};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio::sync::OnceCell;

/// Longest text by which players connect.
const CONNECTION_CHARS_MAX: usize = 256;
/// How long a match's own token outlives the match's time-out.
const TOKEN_GRACE: Millis = Millis::from_secs(24 * 3_600);
const _: () = assert!(TIMEOUT_MAX.get() + TOKEN_GRACE.get() <= TOKEN_LIFE_MAX.get());

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

impl Engine {
    fn new_match_row(
        &self,
        call: &Call,
        queue: &QueueConfig,
        roster: Roster,
        ratings: &[Vec<Rating>],
        heard: Option<&HeardOf>,
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
        heard: &OnceCell<Option<HeardOf>>,
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
}
