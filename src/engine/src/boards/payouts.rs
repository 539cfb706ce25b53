//! Payouts: the final table of a season handed out page by page to whoever pays, each player exactly once.
//!
//! The first call closes the season: no ruling, no late score moves an entry of it any more. The table has everybody
//! who has an entry, in the order of the board; who has no rank (hidden, not eligible) comes without. From then on it is
//! the one truth about the season: every read of a rank or a fate, and the levels of who enters the next season, go by
//! who was seen when it was counted; who is hidden or shown only later moves none of it.
use super::{BoardConfig, BoardRef, SeatView, Source, Viewer, paging::listed, tally::entry_of, view::View};
use crate::{
    Call, Engine, EngineError,
    jobs::Sink,
    store::{ChangeSet, Expect, Home, Key, KeyRange, PayingRow, PayoutRow, Row, Version, Versioned},
};
use gsm_core::{BoardName, Map, PlayerId, Rank, Timestamp, limits};
use gsm_ranking::{
    Entry, Keys, Visibility,
    payout::{Acknowledged, Page, Payout, PayoutConfig, PayoutRules},
};
use parking_lot::Mutex;
use std::sync::Arc;

/// The final table last asked for.
#[derive(Default)]
pub(crate) struct Tables(Mutex<Option<Table>>);

struct Table {
    board: BoardName,
    season: u64,
    rows: Arc<[Entry]>,
}

impl Tables {
    /// A board is not what it was.
    pub(super) fn forget(&self) {
        *self.0.lock() = None;
    }

    fn rows(&self, board: &BoardName, season: u64) -> Option<Arc<[Entry]>> {
        let table = self.0.lock();
        let of = table.as_ref().filter(|table| (&table.board, table.season) == (board, season));
        of.map(|table| table.rows.clone())
    }
}

/// How far a payout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutView {
    /// How it is delivered.
    pub config: PayoutConfig,
    /// Rows of the final table.
    pub rows: u64,
    /// Pages of it.
    pub pages: u64,
    /// Pages acknowledged.
    pub acknowledged: u64,
    /// Pages out and not acknowledged.
    pub in_flight: u64,
    /// Whether all pages are acknowledged.
    pub done: bool,
}

/// A page of a final table.
#[derive(Debug, Clone, PartialEq)]
pub struct PayoutPage {
    /// Its number, from 0; what is acknowledged.
    pub page: Page,
    /// Its rows.
    pub rows: Vec<PayoutLine>,
    /// Players ranked on the board at the end.
    pub players: u64,
}

/// A row of a final table.
#[derive(Debug, Clone, PartialEq)]
pub struct PayoutLine {
    /// Who.
    pub player: PlayerId,
    /// The final rank; `None` for who is hidden or not eligible.
    pub rank: Option<Rank>,
    /// Share of the others who are not better, `0.0..=100.0`; `None` without a rank.
    pub percentile: Option<f64>,
    /// What the board compares.
    pub keys: Keys,
    /// Since when the player had them.
    pub reached_at: Timestamp,
    /// Where the player ended in his cohort, where the board has cohorts.
    pub seat: Option<SeatView>,
}

impl PayoutView {
    fn of(row: &PayoutRow) -> Option<Self> {
        let ledger = row.ledger.as_ref()?;
        Some(Self {
            config: row.config,
            rows: ledger.rows(),
            pages: ledger.pages(),
            acknowledged: ledger.acknowledged(),
            in_flight: ledger.in_flight(),
            done: ledger.is_done(),
        })
    }
}

impl Engine {
    /// Begins to pay out a season that is over. Begun before, it goes on as it was begun.
    pub async fn begin_payout(
        &self,
        call: &Call,
        name: &BoardName,
        season: u64,
        config: PayoutConfig,
    ) -> Result<PayoutView, EngineError> {
        let rules = PayoutRules::new(config).map_err(|e| EngineError::invalid(e.path, e.problem))?;
        let line = self.line(name)?;
        let over = line.season(season).and_then(|season| season.ends_at).is_some_and(|end| end <= call.now);
        if !over {
            return Err(match line.season(season).filter(|_| line.has_seasons()) {
                Some(of) if of.starts_at <= call.now => {
                    EngineError::SeasonOpen { board: name.to_string(), season }
                }
                _ => EngineError::Unknown { what: "season" },
            });
        }
        let of = (name.clone(), season);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let replayed = self.replayed::<()>(call, Home::Record).await?.is_some();
            let done = match self.payout_row(&of).await? {
                None => {
                    let row = PayoutRow { config, ledger: None };
                    self.close_season(call, &line.config, season, row).await.map(|()| None)
                }
                Some((row, version)) if row.payout.ledger.is_none() => {
                    // Nothing of the season moves any more: what is counted now is final.
                    let table = self.final_table(&line.config, season).await?;
                    let ledger = Some(Payout::of_table(&rules, table.len() as u64));
                    let unseen = self.views.boards.unseen(name, table.iter().map(|entry| entry.player));
                    let row = PayingRow { payout: PayoutRow { config, ledger }, unseen: Some(unseen) };
                    let mut changes = self.payout_changes(call, &of, version, row.clone());
                    self.remember(&mut changes, call, Home::Record, &())?;
                    self.commit(Home::Record, changes).await.map(|_| PayoutView::of(&row.payout))
                }
                Some((row, _)) if replayed => Ok(PayoutView::of(&row.payout)),
                Some((row, _)) => {
                    let known = self.remember_alone(call, Home::Record, &[name]).await;
                    known.map(|()| PayoutView::of(&row.payout))
                }
            };
            match done {
                Ok(Some(view)) => return Ok(view),
                Ok(None) | Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Closes a season to all changes; where results are counted, behind the gate of their mode, so that none is under
    /// way.
    async fn close_season(
        &self,
        call: &Call,
        config: &BoardConfig,
        season: u64,
        row: PayoutRow,
    ) -> Result<(), EngineError> {
        let mut changes = self.changes(call, &[&config.name, &season]);
        changes.create(Key::Payout(config.name.clone(), season), Row::Payout(row));
        match &config.source {
            Source::Submissions => self.commit(Home::Record, changes).await.map(drop),
            Source::Mode(mode) => {
                let gate = self.close_gate(mode).await?;
                self.close_job(Sink::staged(self, gate), Ok((changes, ()))).await
            }
        }
    }

    /// How far a season has been paid out.
    pub async fn payout(&self, name: &BoardName, season: u64) -> Result<PayoutView, EngineError> {
        let found = self.payout_row(&(name.clone(), season)).await?;
        found.and_then(|(row, _)| PayoutView::of(&row.payout)).ok_or(NOT_BEGUN)
    }

    /// The page to pay now: one that is overdue, else the next; `None` where all are out. It is on its way from here on,
    /// and comes again if nobody acknowledges it.
    pub async fn next_payout_page(
        &self,
        call: &Call,
        name: &BoardName,
        season: u64,
    ) -> Result<Option<PayoutPage>, EngineError> {
        let of = (name.clone(), season);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let replayed = self.replayed::<Option<u64>>(call, Home::Record).await?;
            let (row, version) = self.payout_row(&of).await?.ok_or(NOT_BEGUN)?;
            let PayoutRow { config, ledger } = row.payout.clone();
            let mut ledger = ledger.ok_or(NOT_BEGUN)?;
            if let Some(number) = replayed {
                let page = number.and_then(|number| ledger.page(number));
                return self.payout_page(name, season, page, &row).await;
            }
            let rules = PayoutRules::new(config).map_err(|_| EngineError::damaged(&key_of(&of)))?;
            let page = ledger.hand_out(&rules, call.now);
            if page.is_none() {
                match self.answer_alone(call, Home::Record, &[name], &None::<u64>).await {
                    Err(EngineError::Raced(_)) => continue,
                    done => return done.map(|()| None),
                }
            }
            let payout = PayoutRow { config, ledger: Some(ledger) };
            let row = PayingRow { payout, ..row };
            let mut changes = self.payout_changes(call, &of, version, row.clone());
            self.remember(&mut changes, call, Home::Record, &page.map(|page| page.number))?;
            match self.commit(Home::Record, changes).await {
                Ok(_) => return self.payout_page(name, season, page, &row).await,
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Notes that a page has been paid; whether this is the first word of it.
    pub async fn acknowledge_payout(
        &self,
        call: &Call,
        name: &BoardName,
        season: u64,
        page: u64,
    ) -> Result<bool, EngineError> {
        let of = (name.clone(), season);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(first) = self.replayed(call, Home::Record).await? {
                return Ok(first);
            }
            let (row, version) = self.payout_row(&of).await?.ok_or(NOT_BEGUN)?;
            let PayingRow { payout: PayoutRow { config, ledger }, unseen } = row;
            let mut ledger = ledger.ok_or(NOT_BEGUN)?;
            let done = ledger.acknowledge(page);
            let first = match done {
                Ok(done) => done == Acknowledged::First,
                Err(never) => return Err(EngineError::invalid("page", never)),
            };
            if !first {
                match self.answer_alone(call, Home::Record, &[name], &false).await {
                    Err(EngineError::Raced(_)) => continue,
                    done => return done.map(|()| false),
                }
            }
            let row = PayingRow { payout: PayoutRow { config, ledger: Some(ledger) }, unseen };
            let mut changes = self.payout_changes(call, &of, version, row);
            self.remember(&mut changes, call, Home::Record, &first)?;
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(first),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    fn payout_changes(
        &self,
        call: &Call,
        of: &(BoardName, u64),
        version: Version,
        row: PayingRow,
    ) -> ChangeSet {
        let mut changes = self.changes(call, &[&of.0, &of.1]);
        changes.replace(key_of(of), Some(version), Row::Paying(Box::new(row)));
        changes
    }

    async fn payout_row(&self, of: &(BoardName, u64)) -> Result<Option<(PayingRow, Version)>, EngineError> {
        let key = key_of(of);
        self.get_one(&key).await?.map(|found| paying(&key, &found)).transpose()
    }

    /// Lets a season that is read into memory have its final ranks, where its table has been counted.
    pub(super) async fn freeze_if_final(&self, view: &View, season: u64) -> Result<(), EngineError> {
        if view.season.is_some()
            && let Some((row, _)) = self.payout_row(&(view.config.name.clone(), season)).await?
        {
            freeze(view, &row);
        }
        Ok(())
    }

    /// The rows of a page, with their final ranks.
    async fn payout_page(
        &self,
        name: &BoardName,
        season: u64,
        page: Option<Page>,
        row: &PayingRow,
    ) -> Result<Option<PayoutPage>, EngineError> {
        let Some(page) = page else { return Ok(None) };
        let line = self.line(name)?;
        let table = self.final_table(&line.config, season).await?;
        let first = usize::try_from(page.first_row).unwrap_or(usize::MAX);
        let rows = table.get(first..first.saturating_add(page.rows as usize));
        // The season is closed: its table has the rows that were counted.
        let rows = rows.ok_or_else(|| EngineError::damaged(&Key::Payout(name.clone(), season)))?;
        let players: Vec<PlayerId> = rows.iter().map(|entry| entry.player).collect();
        let of = BoardRef { name: name.clone(), part: None, season: Some(season) };
        let board = self.open_board(&of).await?;
        // What another node has counted may not have been told here yet.
        freeze(&board.view, row);
        let ranks = board.ranks(&players, Viewer::All)?;
        let seats = self.seats(&board, &players, Viewer::All).await?;
        let mut lines = Vec::with_capacity(rows.len());
        for ((entry, rank), seat) in rows.iter().zip(ranks).zip(seats) {
            // The back end is told of everybody's seat, and of the rank as others see it.
            let is_shadow = board.read(|_, state| state.is_shadow(entry.player))?;
            let rank = rank.filter(|_| !is_shadow);
            let (rank, percentile) = (rank.as_ref().map(|of| of.rank), rank.map(|of| of.percentile));
            lines.push(PayoutLine {
                player: entry.player,
                rank,
                percentile,
                keys: entry.keys,
                reached_at: entry.reached_at,
                seat: seat.map(|seat| SeatView {
                    rank: seat.rank.filter(|_| rank.is_some()),
                    percentile: seat.percentile.filter(|_| rank.is_some()),
                    ..seat
                }),
            });
        }
        Ok(Some(PayoutPage { page, rows: lines, players: board.players()? }))
    }

    /// Everybody who has an entry in a closed season, in the order of the board. Reads the season once; memory for it
    /// until another table is asked for.
    async fn final_table(&self, config: &BoardConfig, season: u64) -> Result<Arc<[Entry]>, EngineError> {
        let tables = &self.views.boards.payouts;
        if let Some(rows) = tables.rows(&config.name, season) {
            return Ok(rows);
        }
        let mut table = Vec::new();
        self.each(KeyRange::Entries(config.name.clone(), season), |key, found| {
            let row = entry_of(&key, &found.row)?;
            if let Key::Entry(_, _, player) = key {
                table.push(Entry { player, keys: row.values.into(), reached_at: row.reached_at });
            }
            Ok(())
        })
        .await?;
        table.sort_unstable_by(|a, b| listed(config, a, b));
        let rows: Arc<[Entry]> = table.into();
        *tables.0.lock() = Some(Table { board: config.name.clone(), season, rows: rows.clone() });
        Ok(rows)
    }
}

const NOT_BEGUN: EngineError = EngineError::Unknown { what: "payout: it has not been begun" };

/// The row of a payout, with its version.
fn paying(key: &Key, found: &Versioned) -> Result<(PayingRow, Version), EngineError> {
    match &*found.row {
        Row::Payout(row) => Ok((PayingRow { payout: row.clone(), unseen: None }, found.version)),
        Row::Paying(row) => Ok(((**row).clone(), found.version)),
        _ => Err(EngineError::damaged(key)),
    }
}

/// Who was not seen by everybody.
type Unseen = Map<PlayerId, Visibility>;
/// What a reading rests on: how a row is.
type Basis = (Key, Expect);

/// Who was not seen by everybody when the table of a season was counted, by the row of its payout; `None` where it has not
/// been, with what that rests on.
pub(super) fn final_shades(
    name: &BoardName,
    season: u64,
    found: Option<Versioned>,
) -> Result<(Option<Unseen>, Option<Basis>), EngineError> {
    let key = Key::Payout(name.clone(), season);
    let Some(found) = found else { return Ok((None, Some((key, Expect::Absent)))) };
    let (row, version) = paying(&key, &found)?;
    Ok(match unseen(&row) {
        None => (None, Some((key, Expect::At(version)))),
        // It never changes again.
        Some(unseen) => (Some(unseen.collect()), None),
    })
}

/// Who was not seen by everybody when a table was counted, where that is known.
fn unseen(row: &PayingRow) -> Option<impl Iterator<Item = (PlayerId, Visibility)>> {
    let seen = |shadow| if shadow { Visibility::Shadow } else { Visibility::Hidden };
    Some(row.unseen.as_ref()?.iter().map(move |(player, shadow)| (*player, seen(*shadow))))
}

/// Lets a season have its final ranks.
pub(super) fn freeze(view: &View, row: &PayingRow) {
    if let Some(unseen) = unseen(row) {
        view.freeze(unseen);
    }
}

fn key_of(of: &(BoardName, u64)) -> Key {
    Key::Payout(of.0.clone(), of.1)
}
