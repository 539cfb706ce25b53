//! What an export has, item by item.
use super::super::{
    bans::BanDto,
    dto::{MatchDto, PlayerRatingDto, TicketDto},
    parts::AuditRecordShape,
    penalties::PenaltyDto,
    players::StepDto,
    rankings::WatchDto,
    reports::{FlagDto, SaidResultDto},
    tickets::ValueDto,
};
use gsm_core::PlayerId;
use gsm_engine::{
    Account, ExportItem, TicketView,
    store::{Claim, EntryRow, ShadeRow},
};
use gsm_ml::Portrait;
use gsm_rating::Rating;
use gsm_rules::Value;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Something that is kept of a player: `kind` says what, `data` has it.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub(crate) enum ExportItemDto {
    Account(Box<AccountDto>),
    Ban(BanDto),
    Penalty(PenaltyDto),
    Watch(WatchDto),
    /// For operators alone.
    Hidden(HiddenDto),
    Rating(Box<PlayerRatingDto>),
    RatingStep(Box<RatingStepDto>),
    BoardEntry(Box<BoardEntryDto>),
    Match(Box<MatchDto>),
    MatchReport(Box<MatchReportDto>),
    Ticket(Box<OwnTicketDto>),
    Learnt(Box<LearntDto>),
    /// For operators alone.
    PairFlag(Box<FlagDto>),
    /// With CloudTrail's names of fields.
    #[schema(value_type = AuditRecordShape)]
    AuditRecord(serde_json::Value),
}

impl ExportItemDto {
    /// `with_names`: who banned is named, for operators.
    pub(super) fn new(player: PlayerId, item: ExportItem, with_names: bool) -> Self {
        match item {
            ExportItem::Account(account) => Self::Account(Box::new(AccountDto::new(player, *account))),
            ExportItem::Ban(ban) => Self::Ban(BanDto::new(ban, with_names)),
            ExportItem::Penalty(view) => Self::Penalty(view.into()),
            ExportItem::Watch(board, row) => Self::Watch(WatchDto::new(board, row)),
            ExportItem::Hidden(board, ShadeRow { shadow, reason, at }) => {
                Self::Hidden(HiddenDto { board: board.to_string(), shadow, reason, since: at.as_millis() })
            }
            ExportItem::Rating(mode, row) => {
                Self::Rating(Box::new(PlayerRatingDto::new(player, &mode, &row)))
            }
            ExportItem::Step(mode, entry) => {
                let step = RatingStepDto { mode: mode.to_string(), step: entry.row.into() };
                Self::RatingStep(Box::new(step))
            }
            ExportItem::Entry(board, season, row) => {
                Self::BoardEntry(Box::new(BoardEntryDto::new(board.to_string(), season, row)))
            }
            ExportItem::Match(view) => Self::Match(Box::new((*view).into())),
            ExportItem::Reported(id, voice) => Self::MatchReport(Box::new(MatchReportDto {
                match_id: id.to_string(),
                at: voice.at.as_millis(),
                said: (&voice.result).into(),
            })),
            ExportItem::Learnt(mode, of) => Self::Learnt(Box::new(LearntDto::new(mode.to_string(), &of))),
            ExportItem::Flag(flag) => Self::PairFlag(Box::new((*flag).into())),
            ExportItem::Ticket(view) => Self::Ticket(Box::new(OwnTicketDto::new(player, *view))),
        }
    }
}

/// What a player reported of a match.
#[derive(Serialize, ToSchema)]
pub(crate) struct MatchReportDto {
    match_id: String,
    at: i64,
    said: SaidResultDto,
}

/// Who a player is.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountDto {
    player_id: String,
    display_name: Option<String>,
    /// The id under which an issuer or an import knows the player.
    external_id: Option<String>,
    created_at: i64,
    /// Ways to sign in: `guest_secret`, `device_key`, `issuer_subject`, `gamelift_name` or `imported_id`. Of what the
    /// player proves only hashes are kept; they are not shown.
    ways_to_sign_in: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    match_id: Option<String>,
    region: Option<String>,
    platform: Option<String>,
    groups: Vec<String>,
}

impl AccountDto {
    fn new(player: PlayerId, account: Account) -> Self {
        let (ticket_id, match_id) = match account.claim {
            Some(Claim::Ticket(id)) => (Some(id.to_string()), None),
            Some(Claim::Match(id)) => (None, Some(id.to_string())),
            None => (None, None),
        };
        let places = account.places;
        Self {
            player_id: player.to_string(),
            display_name: account.row.name.map(|name| name.to_string()),
            external_id: account.row.external_id.map(|id| id.to_string()),
            created_at: account.row.created_at.as_millis(),
            ways_to_sign_in: account.identities.iter().map(|kind| kind.as_str()).collect(),
            ticket_id,
            match_id,
            region: places.region.map(|of| of.to_string()),
            platform: places.platform.map(|of| of.to_string()),
            groups: places.groups.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What predictions have learnt of a player in a mode.
#[derive(Serialize, ToSchema)]
pub(crate) struct LearntDto {
    mode: String,
    /// Matches that were learnt from, and when the first and the last of them were.
    matches: u32,
    first_at: i64,
    last_at: i64,
    /// Matches won, a draw as one half; matches drawn.
    wins: f64,
    draws: f64,
    /// A fading sum of surprises: results less what was expected of them.
    form: f64,
    /// A fading mean of margins, in units of usual ones.
    margin: f64,
    /// A fading mean of squared surprises.
    volatility: f64,
    /// How each of the rating systems beside each other rates the player.
    experts: BTreeMap<&'static str, ExpertDto>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ExpertDto {
    rating: f64,
    deviation: f64,
}

impl LearntDto {
    fn new(mode: String, of: &Portrait) -> Self {
        let expert = |(name, rating): &(&'static str, Rating)| {
            (*name, ExpertDto { rating: rating.mean, deviation: rating.deviation })
        };
        Self {
            mode,
            matches: of.matches,
            first_at: of.first_at.as_millis(),
            last_at: of.last_at.as_millis(),
            wins: of.wins,
            draws: of.draws,
            form: of.form,
            margin: of.margin,
            volatility: of.volatility,
            experts: of.experts.iter().map(expert).collect(),
        }
    }
}

/// That others do not see the player on a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct HiddenDto {
    board: String,
    /// Whether the player sees himself there.
    shadow: bool,
    reason: String,
    since: i64,
}

/// A step of a rating.
#[derive(Serialize, ToSchema)]
pub(crate) struct RatingStepDto {
    mode: String,
    #[serde(flatten)]
    step: StepDto,
}

/// What a player has on a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardEntryDto {
    board: String,
    /// Absent where the board has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    season: Option<u64>,
    /// A number for each column; 0 in those that the board does not have.
    values: Vec<i64>,
    reached_at: i64,
    submitted_at: i64,
    submissions: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
}

impl BoardEntryDto {
    fn new(board: String, season: u64, row: EntryRow) -> Self {
        Self {
            board,
            season: (season > 0).then_some(season),
            values: row.values.to_vec(),
            reached_at: row.reached_at.as_millis(),
            submitted_at: row.submitted_at.as_millis(),
            submissions: row.submissions,
            metadata: row.metadata,
        }
    }
}

/// A ticket with what the player brought to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnTicketDto {
    #[serde(flatten)]
    ticket: TicketDto,
    /// The name by which the ticket's caller knows the player.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[schema(value_type = BTreeMap<String, ValueDto>)]
    attributes: BTreeMap<String, serde_json::Value>,
    latency_ms: BTreeMap<String, u32>,
}

impl OwnTicketDto {
    fn new(player: PlayerId, mut view: TicketView) -> Self {
        let at = view.row.players.iter().position(|of| of.player == player);
        let brought = at.and_then(|at| view.row.brought.get(at)).cloned().unwrap_or_default();
        if view.row.owner != player {
            // Named by whoever made it.
            view.row.own_id = None;
        }
        let value = |value: Value| match value {
            Value::Number(number) => number.into(),
            Value::Text(text) => text.into(),
            Value::List(texts) => texts.into(),
            Value::Map(numbers) => {
                serde_json::Value::Object(numbers.into_iter().map(|(name, n)| (name, n.into())).collect())
            }
        };
        Self {
            name: brought.name,
            attributes: brought.attributes.into_iter().map(|(name, of)| (name, value(of))).collect(),
            latency_ms: brought.latency_ms,
            ticket: view.into(),
        }
    }
}
