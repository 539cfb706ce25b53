//! All that is kept of a player, part by part and page by page: for himself, and for operators.
use crate::{
    Ban, Call, Engine, EngineError, Flag, HistoryEntry, MatchView, PenaltyView, Principal, TicketView,
    boards::BoardConfig,
    store::{
        AttributesRow, Claim, EntryRow, Home, IdentityKind, Key, KeyRange, PlayerRow, RatingRow, Row,
        ShadeRow, WatchRow,
    },
};
use gsm_core::{BoardName, MatchId, Mode, PlayerId, TicketId, limits};
use gsm_ml::Portrait;
use gsm_session::Voice;

/// Items of one page, about.
const ITEMS_MAX: usize = 500;
/// Matches of one page: each can have many players.
const MATCHES_MAX: usize = 50;
/// Pages of rows that one page of an export goes through, where a player's are looked for among all.
const LOOKS_MAX: usize = 10;

/// Who the player is, and what he is in now.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Name, outside id, since when.
    pub row: PlayerRow,
    /// How he can sign in; secrets and their hashes are left out.
    pub identities: Vec<IdentityKind>,
    /// A live ticket or match.
    pub claim: Option<Claim>,
    /// Where he belongs.
    pub places: AttributesRow,
}

/// Something that is kept of a player.
#[derive(Debug, Clone, PartialEq)]
pub enum ExportItem {
    /// Who he is.
    Account(Box<Account>),
    /// A ban that holds.
    Ban(Ban),
    /// How he stands for offences of a kind.
    Penalty(PenaltyView),
    /// What he wants to be told about a board.
    Watch(BoardName, WatchRow),
    /// That he is not seen on a board; for operators alone.
    Hidden(BoardName, ShadeRow),
    /// How he is rated in a mode.
    Rating(Mode, Box<RatingRow>),
    /// A step of that.
    Step(Mode, Box<HistoryEntry>),
    /// What he has on a board in a season; 0 where it has none.
    Entry(BoardName, u64, EntryRow),
    /// A match that he took part in, as he sees it.
    Match(Box<MatchView>),
    /// What he reported of a match, as long as it matters.
    Reported(MatchId, Box<Voice>),
    /// A ticket, of the last day.
    Ticket(Box<TicketView>),
    /// What predictions have learnt of him in a mode.
    Learnt(Mode, Box<Portrait>),
    /// That he meets another too often; for operators alone.
    Flag(Box<Flag>),
}

/// A page of what is kept of a player.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportPage {
    /// What is on it; a page may be empty and not the last.
    pub items: Vec<ExportItem>,
    /// Where the next begins; none: that was all.
    pub next: Option<ExportCursor>,
}

/// Where in an export a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportCursor {
    part: u8,
    after: Option<Key>,
}

impl ExportCursor {
    /// In bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let key = self.after.as_ref().map(Key::encode).unwrap_or_default();
        std::iter::once(self.part).chain(key).collect()
    }

    /// What [`encode`](Self::encode) gave.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (part, key) = bytes.split_first()?;
        let after = if key.is_empty() { None } else { Some(Key::decode(key).ok()?) };
        PARTS.get(usize::from(*part))?;
        Some(Self { part: *part, after })
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Account,
    Ratings,
    Histories,
    Entries,
    Running,
    Ended,
    Tickets,
    Flags,
}

const PARTS: [Part; 8] = [
    Part::Account,
    Part::Ratings,
    Part::Histories,
    Part::Entries,
    Part::Running,
    Part::Ended,
    Part::Tickets,
    Part::Flags,
];

/// What a step of an export found, and after which key of the part it goes on, if it does.
type Found = (Vec<ExportItem>, Option<Key>);

impl Engine {
    /// A page of all that is kept of a player: for the player, and for operators. Players are not shown what they are not
    /// told otherwise: that they are in the shadow, or under suspicion.
    ///
    /// Bounded: a page has some hundred items at most and reads some ten thousand rows at most.
    pub async fn export_player(
        &self,
        call: &Call,
        player: PlayerId,
        from: &ExportCursor,
    ) -> Result<ExportPage, EngineError> {
        let mine = call.principal == Principal::Player(player);
        let row = self.may_export(call, player).await?;
        let Some(part) = PARTS.get(usize::from(from.part)) else {
            return Ok(ExportPage { items: Vec::new(), next: None });
        };
        let after = from.after.as_ref();
        let (items, after) = match part {
            Part::Account => (self.account(call, player, row, mine).await?, None),
            Part::Ratings => {
                let mut items = self.all_ratings(player).await?;
                let learnt = self.views.forecasts.portraits(player).into_iter();
                items.extend(learnt.map(|(mode, of)| ExportItem::Learnt(mode, Box::new(of))));
                (items, None)
            }
            Part::Histories => self.some_history(player, after).await?,
            Part::Entries => self.some_entries(player, after).await?,
            Part::Running => self.some_matches(call, player, KeyRange::Matches, after).await?,
            Part::Ended => self.some_matches(call, player, KeyRange::Archives, after).await?,
            Part::Tickets => self.some_tickets(player, after, mine).await?,
            Part::Flags if mine => (Vec::new(), None),
            Part::Flags => self.some_flags(player, after).await?,
        };
        let next = match after {
            Some(after) => ExportCursor { part: from.part, after: Some(after) },
            None => ExportCursor { part: from.part + 1, after: None },
        };
        let next = Some(next).filter(|next| usize::from(next.part) < PARTS.len());
        Ok(ExportPage { items, next })
    }

    /// Refuses an export that is none of the caller's business; who the player is.
    pub async fn may_export(&self, call: &Call, player: PlayerId) -> Result<PlayerRow, EngineError> {
        let mine = call.principal == Principal::Player(player);
        if !mine && !matches!(call.principal, Principal::Admin(_)) {
            return Err(EngineError::Unknown { what: "player" });
        }
        self.player_row(player).await.map(|(row, _)| row)
    }

    async fn account(
        &self,
        call: &Call,
        player: PlayerId,
        row: PlayerRow,
        mine: bool,
    ) -> Result<Vec<ExportItem>, EngineError> {
        let claim = self.get_one(&Key::Claim(player)).await?.and_then(|found| match &*found.row {
            Row::Claim(claim) => Some(*claim),
            _ => None,
        });
        let places = self.get_one(&Key::Attributes(player)).await?.and_then(|found| match &*found.row {
            Row::Attributes(row) => Some(row.clone()),
            _ => None,
        });
        let identities = self.identity_kinds(player).await?;
        let account = Account { row, identities, claim, places: places.unwrap_or_default() };
        let mut items = vec![ExportItem::Account(Box::new(account))];
        items.extend(self.bans(call, player).await?.into_iter().map(ExportItem::Ban));
        items.extend(self.penalties(call, player).await?.into_iter().map(ExportItem::Penalty));
        let range = KeyRange::Watches(player);
        let watches =
            self.store(Home::Live).list(&range, None, limits::WATCHES_PER_PLAYER_MAX, false).await?;
        items.extend(watches.into_iter().filter_map(|(key, found)| match (key, &*found.row) {
            (Key::Watch(_, board), Row::Watch(row)) => Some(ExportItem::Watch(board, row.clone())),
            _ => None,
        }));
        if !mine {
            let keys = self.shade_keys(player);
            let found = self.get(Home::Record, &keys).await?;
            items.extend(keys.into_iter().zip(found).filter_map(|(key, found)| match (key, &*found?.row) {
                (Key::Shade(board, _), Row::Shade(row)) => Some(ExportItem::Hidden(board, row.clone())),
                _ => None,
            }));
        }
        Ok(items)
    }

    async fn all_ratings(&self, player: PlayerId) -> Result<Vec<ExportItem>, EngineError> {
        let modes = self.rated_modes().await?;
        let keys: Vec<Key> = modes.iter().map(|mode| Key::Rating(mode.clone(), player)).collect();
        let found = self.get(Home::Record, &keys).await?;
        let rating = |(mode, found): (Mode, Option<crate::store::Versioned>)| match &*found?.row {
            Row::Rating(standing) => {
                standing.rating.clone().map(|rating| ExportItem::Rating(mode, Box::new(rating)))
            }
            _ => None,
        };
        Ok(modes.into_iter().zip(found).filter_map(rating).collect())
    }

    /// Histories, oldest first, mode by mode.
    async fn some_history(&self, player: PlayerId, after: Option<&Key>) -> Result<Found, EngineError> {
        let modes = self.rated_modes().await?;
        let from = match after {
            Some(Key::History(mode, ..)) => Some(mode),
            _ => None,
        };
        let mut items = Vec::new();
        for mode in modes.into_iter().filter(|mode| from.is_none_or(|from| mode >= from)) {
            let range = KeyRange::History(mode.clone(), player);
            let after = after.filter(|_| from == Some(&mode));
            let room = ITEMS_MAX - items.len();
            let page = self.store(Home::Record).list(&range, after, room, false).await?;
            let last = page.last().map(|(key, _)| key.clone());
            let full = page.len() == room;
            for (key, found) in page {
                let (Key::History(_, _, depth), Row::History(row)) = (&key, &*found.row) else {
                    return Err(EngineError::damaged(&key));
                };
                let entry = HistoryEntry { depth: *depth, row: row.clone() };
                items.push(ExportItem::Step(mode.clone(), Box::new(entry)));
            }
            if full {
                return Ok((items, last));
            }
        }
        Ok((items, None))
    }

    async fn some_entries(&self, player: PlayerId, after: Option<&Key>) -> Result<Found, EngineError> {
        let keys = self.entry_keys(player, after, limits::PAGE_SIZE_MAX, BoardConfig::has_entries);
        let found = self.get(Home::Record, &keys).await?;
        let next = keys.last().filter(|_| keys.len() == limits::PAGE_SIZE_MAX).cloned();
        let entry = |(key, found): (Key, Option<crate::store::Versioned>)| match (key, &*found?.row) {
            (Key::Entry(board, season, _), Row::Entry(row)) => {
                Some(ExportItem::Entry(board, season, row.clone()))
            }
            _ => None,
        };
        Ok((keys.into_iter().zip(found).filter_map(entry).collect(), next))
    }

    /// Matches of a range in which the player is, as the caller sees them.
    async fn some_matches(
        &self,
        call: &Call,
        player: PlayerId,
        range: KeyRange,
        after: Option<&Key>,
    ) -> Result<Found, EngineError> {
        let is_in =
            |_: &Key, row: &Row| matches!(row, Row::Match(row) if row.roster.side_of(player).is_some());
        let (keys, next) = self.look_for(&range, after, MATCHES_MAX, is_in).await?;
        let mut items = Vec::with_capacity(keys.len());
        let ids = keys.iter().filter_map(|(key, _)| match key {
            Key::Match(id) | Key::Archive(id) => Some(*id),
            _ => None,
        });
        let ids: Vec<MatchId> = ids.collect();
        for id in &ids {
            if let Some(view) = self.match_of_export(call, *id).await? {
                items.push(ExportItem::Match(Box::new(view)));
            }
        }
        let reports: Vec<Key> = ids.iter().flat_map(|id| [Key::Reports(*id), Key::Said(*id)]).collect();
        let twice = ids.into_iter().flat_map(|id| [id, id]);
        for (id, found) in twice.zip(self.get(Home::Record, &reports).await?) {
            if let Some(Row::Reports(row)) = found.as_ref().map(|found| &*found.row)
                && let Some(voice) = row.voices.of(player)
            {
                items.push(ExportItem::Reported(id, Box::new(voice.clone())));
            }
        }
        Ok((items, next))
    }

    async fn match_of_export(&self, call: &Call, id: MatchId) -> Result<Option<MatchView>, EngineError> {
        match self.match_view(call, id).await {
            Ok(view) => Ok(Some(MatchView { server_token: None, ..view })),
            // Ended and dropped in between.
            Err(EngineError::Unknown { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    async fn some_tickets(
        &self,
        player: PlayerId,
        after: Option<&Key>,
        mine: bool,
    ) -> Result<Found, EngineError> {
        let is_in = |_: &Key, row: &Row| matches!(row, Row::Ticket(row) if row.players.iter().any(|of| of.player == player));
        let (rows, next) = self.look_for(&KeyRange::Tickets, after, ITEMS_MAX, is_in).await?;
        let ticket = |(key, row): (Key, std::sync::Arc<Row>)| match (key, &*row) {
            (Key::Ticket(id), Row::Ticket(row)) => Some(self.ticket_of_export(id, row, player, mine)),
            _ => None,
        };
        Ok((
            rows.into_iter().filter_map(ticket).map(|view| ExportItem::Ticket(Box::new(view))).collect(),
            next,
        ))
    }

    async fn some_flags(&self, player: PlayerId, after: Option<&Key>) -> Result<Found, EngineError> {
        let is_of =
            |key: &Key, _: &Row| matches!(key, Key::Flag(_, one, other) if [one, other].contains(&&player));
        let (rows, next) = self.look_for(&KeyRange::AllFlags, after, ITEMS_MAX, is_of).await?;
        let flag = |(key, row): (Key, std::sync::Arc<Row>)| match (key, &*row) {
            (Key::Flag(mode, one, other), Row::Flag(row)) => {
                Some(ExportItem::Flag(Box::new(Flag { mode, players: [one, other], row: (**row).clone() })))
            }
            _ => None,
        };
        Ok((rows.into_iter().filter_map(flag).collect(), next))
    }

    /// A ticket with what this player brought, not with what the others did.
    fn ticket_of_export(
        &self,
        id: TicketId,
        row: &crate::store::TicketRow,
        player: PlayerId,
        mine: bool,
    ) -> TicketView {
        let mut row = row.clone();
        // Again and again: for each of its queues.
        for (of, brought) in row.players.iter().cycle().zip(&mut row.brought) {
            if of.player != player {
                *brought = Default::default();
            }
        }
        row.shadow &= !mine;
        self.shown(id, row)
    }

    /// Rows of a range that `wanted` likes, at most `most`, through at most [`LOOKS_MAX`] pages; where to look on.
    async fn look_for(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        most: usize,
        wanted: impl Fn(&Key, &Row) -> bool,
    ) -> Result<(Vec<(Key, std::sync::Arc<Row>)>, Option<Key>), EngineError> {
        let (mut found, mut after) = (Vec::new(), after.cloned());
        for _ in 0..LOOKS_MAX {
            let page =
                self.store(range.home()).list(range, after.as_ref(), limits::PAGE_SIZE_MAX, false).await?;
            let whole = page.len() < limits::PAGE_SIZE_MAX;
            for (key, row) in page {
                after = Some(key.clone());
                if wanted(&key, &row.row) {
                    found.push((key, row.row));
                    if found.len() == most {
                        return Ok((found, after));
                    }
                }
            }
            if whole {
                return Ok((found, None));
            }
        }
        Ok((found, after))
    }
}
