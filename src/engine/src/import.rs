//! Match histories from elsewhere, through the same decisions and commits as live results.
use crate::{
    Call, Engine, EngineError, MatchFacts,
    boards::{Line, seating::Turns, tally::Tallies},
    hash,
    players::{PLAYER_ROWS, add_identity},
    results::{
        chain::{Link, Moved},
        counting::rating_in,
        new_row,
    },
    store::{
        ChangeSet, Expect, Home, IdentityKind, Key, LessonRow, PlayerRow, Row, StandingRow, Verdict, Version,
    },
    systems::Scheme,
};
use gsm_core::{Label, Map, MatchId, Mode, PlayerId, Probability, RequestKey, Timestamp, limits};
use gsm_session::{MatchResult, Report, Roster};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The issuer under which imported player ids are kept.
const IMPORT_ISSUER: &str = "gsm:import";
/// Matches that one change set of an import counts, at most: as many results as one read can look for.
pub const IMPORT_MATCHES_MAX: usize = limits::PAGE_SIZE_MAX;

/// A player of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportPlayer {
    /// The id in the file. Where it is that of a player of ours, that player is meant.
    pub external: RequestKey,
    /// The id here where the player is new, as [`Engine::fresh_players`] draws it; drawn by itself if absent.
    pub id: Option<PlayerId>,
    /// The name shown to people, where it is not the id.
    pub name: Option<Label>,
    /// When first seen.
    pub at: Timestamp,
}

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

/// An id as this server gives them, from a file that this server may have written.
fn own_id(external: &RequestKey) -> Option<PlayerId> {
    external.as_str().parse().ok()
}

impl Engine {
    /// The id of an imported match: ordered like the file.
    #[must_use]
    pub fn import_match_id(mode: &Mode, number: u64) -> MatchId {
        let high = hash::name64("gsm import match id 1", &[mode.as_str().as_bytes()]);
        MatchId::from_u128(u128::from(high) << 64 | u128::from(number))
    }

    /// Ids for so many players who may be new, drawn at random, in ascending order: boards list equals of one instant by id,
    /// and so those of a list stay as they were listed.
    #[must_use]
    pub fn fresh_players(&self, count: usize) -> Vec<PlayerId> {
        let mut fresh: Vec<PlayerId> = (0..count).map(|_| PlayerId::fresh(&*self.ids)).collect();
        fresh.sort_unstable();
        fresh
    }

    /// The players of imported ids, in the order asked, made where new: many in one commit. An id of ours is the player
    /// who has it.
    pub async fn import_players(&self, players: &[ImportPlayer]) -> Result<Vec<PlayerId>, EngineError> {
        let most = (self.store(Home::Document).limits().items_max / PLAYER_ROWS).max(1);
        let mut ids = Vec::with_capacity(players.len());
        for part in players.chunks(most) {
            ids.extend(self.import_some_players(part).await?);
        }
        Ok(ids)
    }

    async fn import_some_players(&self, players: &[ImportPlayer]) -> Result<Vec<PlayerId>, EngineError> {
        let identities: Vec<[u8; 32]> =
            players.iter().map(|p| Self::subject_identity(IMPORT_ISSUER, &p.external)).collect();
        let keys: Vec<Key> = identities.iter().map(|identity| Key::Identity(*identity)).collect();
        let own: Vec<PlayerId> = players.iter().filter_map(|player| own_id(&player.external)).collect();
        let own_keys: Vec<Key> = own.iter().copied().map(Key::Player).collect();
        let there = self.get(Home::Document, &own_keys).await?;
        let there: BTreeSet<PlayerId> =
            own.into_iter().zip(there).filter_map(|(own, found)| found.map(|_| own)).collect();
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let found = self.get(Home::Document, &keys).await?;
            let mut changes = self.changes(&Call::system("gsm:ImportPlayer", self.clock.now()), &[]);
            changes.audit = None;
            let mut new: BTreeMap<[u8; 32], PlayerId> = BTreeMap::new();
            let mut ids = Vec::with_capacity(players.len());
            for (((player, identity), key), found) in players.iter().zip(&identities).zip(&keys).zip(found) {
                if let Some(own) = own_id(&player.external).filter(|own| there.contains(own)) {
                    ids.push(own);
                    continue;
                }
                let id = match (found.map(|found| found.row), new.get(identity)) {
                    (Some(row), _) => match &*row {
                        Row::Identity(id) => *id,
                        _ => return Err(EngineError::damaged(key)),
                    },
                    (None, Some(id)) => *id,
                    (None, None) => {
                        let id = player.id.unwrap_or_else(|| PlayerId::fresh(&*self.ids));
                        new.insert(*identity, id);
                        let row = PlayerRow {
                            name: player.name.clone(),
                            external_id: Some(player.external.clone()),
                            created_at: player.at,
                        };
                        add_identity(&mut changes, id, (IdentityKind::ImportedId, *identity));
                        changes.create(Key::Player(id), Row::Player(row));
                        id
                    }
                };
                ids.push(id);
            }
            if new.is_empty() {
                return Ok(ids);
            }
            let coming: Vec<(PlayerId, [u8; 32])> =
                new.iter().map(|(identity, player)| (*player, *identity)).collect();
            self.return_bans(&mut changes, &coming).await?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(ids),
                Err(EngineError::Raced(_)) => {}
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
        let rows = self.ratings(mode, &players).await?;
        let mut rows = rows.into_iter();
        let sides: Vec<Vec<gsm_rating::Rating>> = roster
            .sides()
            .iter()
            .map(|side| {
                rows.by_ref()
                    .take(side.len())
                    .map(|row| rating_in(&system, row.as_ref(), roster.variant(), at))
                    .collect()
            })
            .collect();
        Ok(system.expected(&sides, roster.home()))
    }

    /// Counts a match of a history, once.
    pub async fn import_match(&self, new: &ImportMatch) -> Result<Imported, EngineError> {
        self.check_new_mode(&new.mode)?;
        let id = Self::import_match_id(&new.mode, new.number);
        let call = Call::system("gsm:ImportMatch", new.at);
        let facts = MatchFacts { mode: new.mode.clone(), queue: None, roster: new.roster.clone() };
        let result = MatchResult::validate(&new.report, &new.roster)
            .map_err(|e| EngineError::Invalid { field: e.field.clone(), detail: e.fault.to_string() })?;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(known) = self.result_row(id).await? {
                return if *known.first_report() == result && self.is_roster(&known.roster, &new.roster) {
                    Ok(Imported::Known)
                } else {
                    Err(EngineError::ResultContradicts { match_id: id })
                };
            }
            let decided = self.decide(&call, id, &facts, result.clone(), Verdict::Counted).await?;
            match self.commit_result(&call, decided, None).await {
                Ok(_) => return Ok(Imported::New),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Counts matches of a history, each once, in the order given: bit for bit what [`Engine::import_match`] does one
    /// after another, but many in one commit where all homes are one journal. What comes before a refused match
    /// counts; push streams are told nothing, since nobody waits for news of long ago.
    ///
    /// # Errors
    /// The first match that contradicts what is known of it, or that no result can be.
    pub async fn import_matches(&self, new: &[ImportMatch]) -> Result<Vec<Imported>, EngineError> {
        let mut done = Vec::with_capacity(new.len());
        let room = self.store(Home::Record).limits().items_max;
        let mut rest = new;
        while let Some(first) = rest.first() {
            // Each board that counts the results takes a write more for a player, and one or two for its season.
            let boards = self.views.boards.tallied(&first.mode);
            let run = run_length(rest, room, &boards);
            if run == 0 || !self.homes.is_one() {
                done.push(self.import_match(first).await?);
                rest = rest.get(1..).unwrap_or_default();
            } else {
                let (head, tail) = rest.split_at(run);
                done.extend(self.import_run(&first.mode, head).await?);
                rest = tail;
            }
        }
        Ok(done)
    }

    /// Matches of one mode that fit into one change set.
    async fn import_run(&self, mode: &Mode, run: &[ImportMatch]) -> Result<Vec<Imported>, EngineError> {
        self.check_new_mode(mode)?;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_import_run(mode, run).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_import_run(&self, mode: &Mode, run: &[ImportMatch]) -> Result<Vec<Imported>, EngineError> {
        let ids: Vec<MatchId> = run.iter().map(|new| Self::import_match_id(mode, new.number)).collect();
        let keys: Vec<Key> = ids.iter().map(|id| Key::Result(*id)).collect();
        let known = self.get(Home::Record, &keys).await?;
        let mut results = Results::new();
        for ((key, new), (id, found)) in keys.iter().zip(run).zip(ids.iter().zip(known)) {
            match found.map(|found| found.row).as_deref() {
                None => {}
                Some(Row::Result(row)) => {
                    let is_same = self.is_roster(&row.roster, &new.roster);
                    let roster = if is_same { new.roster.clone() } else { row.roster.clone() };
                    results.insert(*id, (roster, row.first_report().clone()));
                }
                Some(_) => return Err(EngineError::damaged(key)),
            }
        }
        let mut ledger = self.ledger(mode, run, &ids, &results).await?;
        let call = Call::system("gsm:ImportMatch", self.clock.now());
        let mut changes = self.changes(&call, &[mode]);
        let mut done = Vec::with_capacity(run.len());
        let mut refused = None;
        for (new, id) in run.iter().zip(&ids) {
            match ledger.take(*id, new, &mut results, &mut changes) {
                Ok(imported) => done.push(imported),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let count = done.iter().filter(|imported| **imported == Imported::New).count();
        if count > 0 {
            if let (Some(audit), Some(first), Some(last)) = (&mut changes.audit, ids.first(), ids.last()) {
                audit.resources.extend([first.to_string(), last.to_string()]);
                audit.reason = Some(format!("{count} matches of a history"));
            }
            let turns = ledger.close(mode, &mut changes);
            changes.check(Key::Gate(mode.clone()), Expect::Absent);
            let committed = self.commit(Home::Record, changes).await;
            // What holds the gate may wait for it.
            drop(turns);
            match committed {
                Ok(_) => {}
                Err(EngineError::Raced(_)) => {
                    self.pass_gate(mode).await?;
                    return Err(EngineError::Raced(None));
                }
                Err(other) => return Err(other),
            }
        }
        refused.map_or(Ok(done), Err)
    }

    /// Whether a roster of a file is that of a match which is known: whose identity was deleted since is somebody new
    /// there.
    fn is_roster(&self, known: &Roster, new: &Roster) -> bool {
        known.is_but_for(new, |player| self.views.erased.has(player))
    }

    /// The ratings of everybody in those matches of a run that do not count yet.
    async fn ledger(
        &self,
        mode: &Mode,
        run: &[ImportMatch],
        ids: &[MatchId],
        known: &Results,
    ) -> Result<Ledger, EngineError> {
        let new = run.iter().zip(ids).filter(|(_, id)| !known.contains_key(id));
        let mut players: Vec<PlayerId> = new.flat_map(|(new, _)| new.roster.players()).collect();
        players.sort_unstable();
        players.dedup();
        let mut rows = Map::default();
        for page in players.chunks(limits::PAGE_SIZE_MAX) {
            let read = self.standings(mode, page).await?;
            rows.extend(page.iter().copied().zip(read.into_iter().map(|found| match found {
                Some((row, version)) => Standing { row: Some(row), version: Some(version), moved: false },
                None => Standing { row: None, version: None, moved: false },
            })));
        }
        let (name, scheme) = self.scheme_of(mode).await?;
        let steps = run.iter().zip(ids).filter(|(_, id)| !known.contains_key(id));
        let steps = steps.flat_map(|(new, _)| new.roster.players().map(|player| (player, new.at)));
        let tallies = self.match_tallies(mode, &steps.collect::<Vec<_>>()).await?;
        Ok(Ledger { name, scheme, rows, tallies })
    }
}

/// How many of the first matches fit into one change set; all are of the first one's mode, and of one season of each board
/// with cohorts or with tiers by shares: who sits where in the next, and where its tiers start, depends on how it ends.
fn run_length(matches: &[ImportMatch], room: usize, boards: &[Arc<Line>]) -> usize {
    let grouped = boards.iter().filter(|line| line.has_groups()).count();
    let by_shares = boards.iter().filter(|line| line.tiers_by_shares().is_some()).count();
    let ended = || boards.iter().filter(|line| line.has_groups() || line.tiers_by_shares().is_some());
    let seasons = |of: &ImportMatch| ended().map(|line| line.number_at(of.at)).collect::<Vec<_>>();
    let first = matches.first().map(|first| (&first.mode, seasons(first)));
    let of_player = 1 + boards.len() + 3 * grouped;
    // The checks of the gate, and that these are the boards that count, are writes too.
    let (mut writes, mut run) = (2, 0);
    for next in matches.iter().take(IMPORT_MATCHES_MAX) {
        writes += 1 + next.roster.players().count() * of_player + 2 * boards.len() + by_shares;
        if writes > room || first.as_ref() != Some(&(&next.mode, seasons(next))) {
            break;
        }
        run += 1;
    }
    run
}

/// Who played the matches that count, and how they were reported.
type Results = BTreeMap<MatchId, (Roster, MatchResult)>;

/// A player while a run of matches is counted.
struct Standing {
    row: Option<StandingRow>,
    /// Of the row as it was read.
    version: Option<Version>,
    moved: bool,
}

/// Ratings as the matches of a run move them, one after another.
struct Ledger {
    /// The name of the scheme.
    name: u64,
    scheme: Arc<Scheme>,
    rows: Map<PlayerId, Standing>,
    tallies: Tallies,
}

impl Ledger {
    /// Counts one match, unless it is known: its result and history go to `changes`.
    fn take(
        &mut self,
        id: MatchId,
        new: &ImportMatch,
        results: &mut Results,
        changes: &mut ChangeSet,
    ) -> Result<Imported, EngineError> {
        let result = MatchResult::validate(&new.report, &new.roster)
            .map_err(|e| EngineError::Invalid { field: e.field.clone(), detail: e.fault.to_string() })?;
        if let Some((roster, known)) = results.get(&id) {
            return if *known == result && *roster == new.roster {
                Ok(Imported::Known)
            } else {
                Err(EngineError::ResultContradicts { match_id: id })
            };
        }
        let found = |player| self.rows.get(&player).and_then(|standing| standing.row.clone());
        let from: Vec<Option<StandingRow>> = new.roster.players().map(found).collect();
        let call = Call::system("gsm:ImportMatch", new.at);
        let facts = MatchFacts { mode: new.mode.clone(), queue: None, roster: new.roster.clone() };
        let row = new_row(&facts, result.clone(), &call, self.name, &from);
        let link = Link::Result(id, row).found(&self.scheme, from)?;
        let depth = link.place().depth;
        for Moved { player, after, history } in link.moved(&self.scheme) {
            let Some(standing) = self.rows.get_mut(&player) else { continue };
            if let Some(step) = history {
                self.tallies.take(player, &step);
                changes.fold(Key::History(new.mode.clone(), player, depth), Row::History(step));
            }
            (standing.row, standing.moved) = (Some(after), true);
        }
        let lesson = LessonRow::new((new.at, depth), &new.roster, &result, None);
        changes.fold(Key::Lesson(new.mode.clone(), id), Row::Lesson(Box::new(lesson)));
        changes.create(Key::Result(id), link.into_row());
        results.insert(id, (new.roster.clone(), result));
        Ok(Imported::New)
    }

    /// The ratings that moved go to `changes`, on condition that they still stand as they were read.
    fn close(self, mode: &Mode, changes: &mut ChangeSet) -> Turns {
        let turns = self.tallies.add_to(changes);
        let mut moved: Vec<_> = self.rows.into_iter().filter(|(_, standing)| standing.moved).collect();
        moved.sort_unstable_by_key(|(player, _)| *player);
        for (player, standing) in moved {
            if let Some(row) = standing.row {
                changes.replace(Key::Rating(mode.clone(), player), standing.version, Row::Rating(row));
            }
        }
        turns
    }
}
