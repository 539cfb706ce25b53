//! Match histories from elsewhere, through the same decisions and commits as live results.
use crate::{
    Call, Engine, EngineError, MatchFacts,
    players::add_player,
    store::{Home, Key, Row},
};
use gsm_core::{MatchId, Mode, PlayerId, Probability, RequestKey, Timestamp, limits};
use gsm_session::{MatchResult, Report, Roster};

/// The issuer under which imported player ids are kept.
const IMPORT_ISSUER: &str = "gsm:import";

/// A match of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportMatch {
    /// Its number in the file; with the mode it makes the match's id, so that a file can be imported again.
    pub number: u64,
    /// The mode it is rated in.
    pub mode: Mode,
    /// Who played.
    pub roster: Roster,
    /// How it ended.
    pub report: Report,
    /// When.
    pub at: Timestamp,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The match counts now.
    New,
    /// It did already.
    Known,
}

impl Engine {
    /// The id of an imported match: ordered like the file.
    #[must_use]
    pub fn import_match_id(mode: &Mode, number: u64) -> MatchId {
        let hash = blake3::Hasher::new_derive_key("gsm import match id 1")
            .update(mode.as_str().as_bytes())
            .finalize();
        let mut high = [0u8; 8];
        high.copy_from_slice(&hash.as_bytes()[..8]);
        MatchId::from_u128(u128::from(u64::from_be_bytes(high)) << 64 | u128::from(number))
    }

    /// The player of an imported id, made if new.
    pub async fn import_player(&self, external: &RequestKey, at: Timestamp) -> Result<PlayerId, EngineError> {
        let identity = Self::subject_identity(IMPORT_ISSUER, external);
        let key = Key::Identity(identity);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(found) = self.get_one(&key).await? {
                let Row::Identity(player) = &*found.row else { return Err(EngineError::damaged(&key)) };
                return Ok(*player);
            }
            let player = PlayerId::fresh(&*self.ids);
            let mut changes = self.changes(&Call::system("gsm:ImportPlayer", at), &[&player]);
            changes.audit = None;
            add_player(&mut changes, player, identity, None, Some(external.clone()));
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(player),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// The expected score of the first of two sides, from the ratings as they stand, grown to `at`.
    pub async fn expected(
        &self,
        mode: &Mode,
        roster: &Roster,
        at: Timestamp,
    ) -> Result<Vec<Probability>, EngineError> {
        let system = self.views.queues.system_of(mode).unwrap_or_default();
        let players: Vec<PlayerId> = roster.players().collect();
        let rows = self.rating_rows(mode, &players).await?;
        let mut rows = rows.into_iter();
        let sides: Vec<Vec<gsm_rating::Rating>> = roster
            .sides()
            .iter()
            .map(|side| {
                rows.by_ref()
                    .take(side.len())
                    .map(|row| {
                        row.map_or_else(
                            || system.initial(),
                            |(row, _)| system.at(row.rating, Some(row.rated_at), at),
                        )
                    })
                    .collect()
            })
            .collect();
        Ok(system.expected(&sides))
    }

    /// Counts a match of a history, once.
    pub async fn import_match(&self, new: &ImportMatch) -> Result<Imported, EngineError> {
        let id = Self::import_match_id(&new.mode, new.number);
        let call = Call::system("gsm:ImportMatch", new.at);
        let facts = MatchFacts { mode: new.mode.clone(), roster: new.roster.clone() };
        let result = MatchResult::validate(&new.report, &new.roster)
            .map_err(|e| EngineError::Invalid { field: e.field.clone(), detail: e.fault.to_string() })?;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(known) = self.result_row(id).await? {
                return if known.result == result {
                    Ok(Imported::Known)
                } else {
                    Err(EngineError::ResultContradicts { match_id: id })
                };
            }
            let decided = self.decide(&call, id, &facts, result.clone()).await?;
            match self.commit_result(&call, decided, None).await {
                Ok(_) => return Ok(Imported::New),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}
