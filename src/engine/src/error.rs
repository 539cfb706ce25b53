use crate::{
    store::{Key, ReadError, StoreFault},
    tickets::NOT_FOR_PLAYERS,
};
use gsm_core::{MatchId, Millis, PlayerId, TicketId, Timestamp, limits};

/// What a face makes of an error: its class, not its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There is no such thing, or not for this caller.
    NotFound,
    /// The state of things does not allow it.
    Conflict,
    /// Well-formed but not acceptable.
    Invalid,
    /// Known caller, forbidden act.
    Forbidden,
    /// A named limit is reached: later.
    Busy,
    /// A store does not answer or refuses: later, with the same key.
    Unavailable,
    /// Stored data is damaged.
    Damaged,
}

/// Why a use case did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text says what it is")]
pub enum EngineError {
    #[error("there is no such {what}")]
    Unknown { what: &'static str },
    #[error("player `{player}` already waits in ticket `{ticket}`")]
    AlreadyQueued { player: PlayerId, ticket: TicketId },
    #[error("player `{player}` is in match `{match_id}`, which has not ended")]
    InMatch { player: PlayerId, match_id: MatchId },
    #[error(
        "player `{player}` is locked out of `{scope}` for a {offence}, until {until} ({seconds} s from now)",
        until = until.as_millis(),
        seconds = left.get().div_ceil(1_000)
    )]
    LockedOut { player: PlayerId, offence: &'static str, scope: String, until: Timestamp, left: Millis },
    #[error(
        "player `{player}` is banned{end}: {reason}",
        end = until.map_or_else(String::new, |(until, left)| {
            format!(" until {} ({} s from now)", until.as_millis(), left.get().div_ceil(1_000))
        })
    )]
    Banned { player: PlayerId, until: Option<(Timestamp, Millis)>, reason: String },
    #[error("the ticket id was used before for another request")]
    TicketIdTaken,
    #[error("the ticket is `{state}` and no longer waits")]
    NotWaiting { state: &'static str },
    #[error("the proposal cannot be answered so: {detail}")]
    ProposalClosed { detail: String },
    #[error("queue `{queue}` is full")]
    QueueFull { queue: String },
    #[error("queue `{queue}` forms no matches: its rule set is none by the rules of this version")]
    RuleSetUnusable { queue: String },
    #[error("a {what} of this name already exists")]
    NameTaken { what: &'static str },
    #[error("queue `{queue}` uses the rule set")]
    RuleSetInUse { queue: String },
    #[error("the first and the newest version of a rule set stay as long as it does")]
    RuleSetVersionStays,
    #[error("a rule set has at most {} versions", limits::RULE_SET_VERSIONS_MAX)]
    TooManyRuleSetVersions,
    #[error("tickets wait in queue `{queue}`")]
    QueueInUse { queue: String },
    #[error("the server has its {} queues already", limits::QUEUES_MAX)]
    TooManyQueues,
    #[error("the server has its {} rule sets already", limits::RULE_SETS_MAX)]
    TooManyRuleSets,
    #[error("the server has its {} {what} already", limits::KEYS_MAX)]
    TooManyKeys { what: &'static str },
    #[error(
        "the server has its {} signing keys, each until its sessions have expired",
        limits::SIGNING_KEYS_MAX
    )]
    TooManySigningKeys,
    #[error("the server has its {} boards already", limits::BOARDS_MAX)]
    TooManyBoards,
    #[error("mode `{mode}` has the {} boards that may count its results", limits::BOARDS_COUNTING_MAX)]
    TooManyCounting { mode: String },
    #[error(
        "a player watches at most {} boards, all players together at most {} friends",
        limits::WATCHES_PER_PLAYER_MAX,
        limits::WATCH_LINKS_MAX
    )]
    TooManyWatches,
    #[error("board `{board}` is being filled")]
    BoardFilling { board: String },
    #[error("the first season of board `{board}` has not begun")]
    NoSeason { board: String },
    #[error("season {season} of board `{board}` has not ended")]
    SeasonOpen { board: String, season: u64 },
    #[error("season {season} of board `{board}` is paid out and stays as it is")]
    SeasonClosed { board: String, season: u64 },
    #[error("the listing has been given up")]
    PageGone,
    #[error("a player has at most {max} streams")]
    TooManyStreams { max: usize },
    #[error("mode `{mode}` is rated by another system, or with other options, already")]
    ModeSystem { mode: String },
    #[error("{0}")]
    State(#[from] gsm_session::SessionError),
    #[error("a match that is `{state}` takes no result")]
    NoResultNow { state: &'static str },
    #[error("match `{match_id}` has another result already")]
    ResultContradicts { match_id: MatchId },
    #[error("results of this match are reported by its server")]
    NoPlayerReports,
    #[error("the players of match `{match_id}` are reporting its result")]
    ReportsOpen { match_id: MatchId },
    #[error("the players of match `{match_id}` do not agree on its result")]
    Disputed { match_id: MatchId },
    #[error("match `{match_id}` has no result")]
    NoResult { match_id: MatchId },
    #[error("the result of match `{match_id}` moves no rating: it {why}")]
    NotCounted { match_id: MatchId, why: &'static str },
    #[error("the ratings of mode `{mode}` are being rated again")]
    Rerating { mode: String },
    #[error("`{field}`: {detail}")]
    Invalid { field: String, detail: String },
    #[error("player `{player}` did not consent to be queued by the caller")]
    NoConsent { player: PlayerId },
    #[error("the idempotency key was used before with another request")]
    IdempotencyMismatch,
    #[error("the account belongs to another player already")]
    IdentityTaken,
    #[error("this caller may not do that")]
    Forbidden,
    #[error("others changed the same things at the same time, again and again")]
    Contended,
    /// Internal: read again and decide again. Which row it was, where the store says it.
    #[error("the rows changed while they were decided on")]
    Raced(Option<Key>),
    #[error("the store refused: {0}")]
    Refused(StoreFault),
    #[error("it would change more at once than the store takes: {0}")]
    TooLarge(StoreFault),
    #[error("the store did not answer: {0}")]
    NoAnswer(StoreFault),
    #[error("stored data under `{key}` is damaged")]
    Damaged { key: String },
}

impl EngineError {
    pub(crate) fn damaged(key: &Key) -> Self {
        Self::Damaged { key: key.to_string() }
    }
    pub(crate) fn invalid(field: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Invalid { field: field.into(), detail: detail.to_string() }
    }

    /// What the caller is told when something after the commit of the call failed: what was refused then does not say that
    /// nothing was done.
    #[must_use]
    pub fn after_commit(self) -> Self {
        match self {
            Self::Refused(fault) | Self::TooLarge(fault) => Self::NoAnswer(fault),
            other => other,
        }
    }

    /// Its class.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unknown { .. } => Kind::NotFound,
            Self::AlreadyQueued { .. }
            | Self::InMatch { .. }
            | Self::LockedOut { .. }
            | Self::TicketIdTaken
            | Self::NotWaiting { .. }
            | Self::ProposalClosed { .. }
            | Self::ModeSystem { .. }
            | Self::QueueInUse { .. }
            | Self::RuleSetInUse { .. }
            | Self::RuleSetVersionStays
            | Self::RuleSetUnusable { .. }
            | Self::NameTaken { .. }
            | Self::IdentityTaken
            | Self::State(_)
            | Self::NoResultNow { .. }
            | Self::NoResult { .. }
            | Self::NotCounted { .. }
            | Self::PageGone
            | Self::NoSeason { .. }
            | Self::SeasonOpen { .. }
            | Self::SeasonClosed { .. }
            | Self::NoPlayerReports
            | Self::ReportsOpen { .. }
            | Self::Disputed { .. }
            | Self::ResultContradicts { .. } => Kind::Conflict,
            Self::Invalid { .. } | Self::NoConsent { .. } | Self::IdempotencyMismatch | Self::TooLarge(_) => {
                Kind::Invalid
            }
            Self::Forbidden | Self::Banned { .. } => Kind::Forbidden,
            Self::QueueFull { .. }
            | Self::TooManyQueues
            | Self::TooManyRuleSets
            | Self::TooManyRuleSetVersions
            | Self::TooManyKeys { .. }
            | Self::TooManySigningKeys
            | Self::TooManyBoards
            | Self::TooManyCounting { .. }
            | Self::TooManyWatches
            | Self::TooManyStreams { .. } => Kind::Busy,
            Self::Contended
            | Self::Raced(_)
            | Self::Rerating { .. }
            | Self::BoardFilling { .. }
            | Self::Refused(_)
            | Self::NoAnswer(_) => Kind::Unavailable,
            Self::Damaged { .. } => Kind::Damaged,
        }
    }

    /// Stable, for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "not_found",
            Self::AlreadyQueued { .. } => "already_queued",
            Self::InMatch { .. } => "in_match",
            Self::LockedOut { .. } => "locked_out",
            Self::Banned { .. } => "banned",
            Self::TicketIdTaken => "ticket_id_taken",
            Self::NotWaiting { .. } => "ticket_not_waiting",
            Self::ProposalClosed { .. } => "proposal_closed",
            Self::QueueFull { .. } => "queue_full",
            Self::QueueInUse { .. } => "queue_in_use",
            Self::RuleSetInUse { .. } => "rule_set_in_use",
            Self::RuleSetVersionStays => "rule_set_version_stays",
            Self::RuleSetUnusable { .. } => "rule_set_unusable",
            Self::NameTaken { .. } => "name_taken",
            Self::TooManyQueues => "too_many_queues",
            Self::TooManyRuleSets => "too_many_rule_sets",
            Self::TooManyRuleSetVersions => "too_many_rule_set_versions",
            Self::TooManyKeys { .. } => "too_many_keys",
            Self::TooManySigningKeys => "too_many_signing_keys",
            Self::TooManyBoards => "too_many_boards",
            Self::TooManyCounting { .. } => "too_many_counting_boards",
            Self::TooManyWatches => "too_many_watches",
            Self::BoardFilling { .. } => "board_filling",
            Self::PageGone => "page_gone",
            Self::NoSeason { .. } => "no_season",
            Self::SeasonOpen { .. } => "season_open",
            Self::SeasonClosed { .. } => "season_closed",
            Self::TooManyStreams { .. } => "too_many_streams",
            Self::ModeSystem { .. } => "mode_system",
            Self::State(_) => "state_not_allowed",
            Self::NoResultNow { .. } => "no_result_now",
            Self::ResultContradicts { .. } => "result_contradicts",
            Self::NoPlayerReports => "no_player_reports",
            Self::ReportsOpen { .. } => "reports_open",
            Self::Disputed { .. } => "match_disputed",
            Self::NoResult { .. } => "no_result",
            Self::NotCounted { .. } => "not_counted",
            Self::Rerating { .. } => "rerating",
            Self::Invalid { .. } => "invalid",
            Self::NoConsent { .. } => "no_consent",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::IdentityTaken => "identity_taken",
            Self::Forbidden => "forbidden",
            Self::Contended | Self::Raced(_) => "contended",
            Self::Refused(_) => "store_refused",
            Self::TooLarge(_) => "too_large",
            Self::NoAnswer(_) => "store_no_answer",
            Self::Damaged { .. } => "damaged",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::AlreadyQueued { .. } => "cancel that ticket first: DELETE /v1/tickets/{ticket_id}",
            Self::InMatch { .. } => {
                "wait for the match's result, or abandon it: POST /v1/matches/{match_id}/state"
            }
            Self::LockedOut { .. } => {
                "try again after the seconds in Retry-After, or without that player; GET /v1/players/{player_id}/penalties says more"
            }
            Self::Banned { .. } => "queue without that player; GET /v1/players/{player_id}/bans says more",
            Self::TicketIdTaken => "choose a new ticket id for a new request",
            Self::TooManyKeys { .. } => "end a key that is no longer used",
            Self::TooManySigningKeys => {
                "wait until the sessions of an older key have expired, a day after it retired"
            }
            Self::TooManyBoards | Self::TooManyCounting { .. } => "delete a board that is no longer read",
            Self::TooManyWatches => "end a watch first: DELETE /v1/rankings/{board}/watch",
            Self::BoardFilling { .. } => "ask again in a moment",
            Self::PageGone => "begin again from the first page",
            Self::NoSeason { .. } | Self::SeasonOpen { .. } => {
                "GET /v1/rankings/{board}/seasons says when seasons begin and end"
            }
            Self::TooManyStreams { .. } => "close a stream that is no longer read",
            Self::NotWaiting { .. } => "read the ticket again: GET /v1/tickets/{ticket_id}",
            Self::RuleSetUnusable { .. } => {
                "the server's log names the fault; an operator puts a version without it, and the queue again: PUT /v1/admin/rule-sets/{rule_set}"
            }
            Self::NameTaken { .. } => "choose another name",
            Self::IdentityTaken => "sign in with that account, and play as that player",
            Self::TooManyRuleSetVersions => {
                "delete a version that no queue uses: DELETE /v1/admin/rule-sets/{rule_set}/versions/{version}"
            }
            Self::QueueInUse { .. } => {
                "wait until they have ended, or cancel them: DELETE /v1/tickets/{ticket_id}"
            }
            Self::QueueFull { .. } => "try again after the seconds in Retry-After",
            Self::ModeSystem { .. } => {
                "use another mode, or the rating system and options of the mode's other queues"
            }
            Self::State(_) => "the legal moves are in the documentation of POST /v1/matches/{match_id}/state",
            Self::NoResultNow { .. } => "a result is taken in `running` and `reporting`",
            Self::ResultContradicts { .. } => {
                "the first result stands; an admin can correct it: POST /v1/admin/matches/{match_id}/correct"
            }
            Self::NoPlayerReports => {
                "a queue with `reports` lets players report: PUT /v1/admin/queues/{queue}"
            }
            Self::ReportsOpen { .. } => {
                "it ends with their reports, at the deadline, or by a server's: POST /v1/matches/{match_id}/result"
            }
            Self::Disputed { .. } => "it waits for an operator: GET /v1/admin/disputes",
            Self::NotCounted { .. } => "read what became of it: GET /v1/matches/{match_id}",
            Self::NoResult { .. } => {
                "report it first, or abandon the match: POST /v1/matches/{match_id}/state"
            }
            Self::Rerating { .. } => "try again after the seconds in Retry-After",
            Self::NoConsent { .. } => {
                "let the player make a consent for this leader: POST /v1/parties/consents"
            }
            Self::IdempotencyMismatch => "use a new Idempotency-Key for a new request",
            Self::Unknown { what } => return of_unknown(what),
            Self::Invalid { field, detail } => return of_invalid(field, detail),
            Self::Forbidden => "it takes the token of a player whom it is about",
            Self::ProposalClosed { .. } => "read how it stands: GET /v1/proposals/{proposal_id}",
            Self::RuleSetInUse { .. } => {
                "let the queue go by another one first: PUT /v1/admin/queues/{queue}"
            }
            Self::RuleSetVersionStays => "delete the rule set: DELETE /v1/admin/rule-sets/{rule_set}",
            Self::TooManyQueues => "delete a queue that is no longer used: DELETE /v1/admin/queues/{queue}",
            Self::TooManyRuleSets => {
                "delete a rule set that no queue uses: DELETE /v1/admin/rule-sets/{rule_set}"
            }
            Self::TooLarge(_) => "ask for less at once",
            Self::Contended | Self::Raced(_) | Self::Refused(_) | Self::NoAnswer(_) => {
                "repeat the same request with the same Idempotency-Key"
            }
            _ => return None,
        })
    }
}

/// Where it is told what there is, or how it comes to be; by the noun, which may have a reason behind it.
fn of_unknown(what: &str) -> Option<&'static str> {
    Some(match what.split(':').next().unwrap_or(what) {
        "queue" | "game-session queue" => "GET /v1/queues lists the queues",
        "mode" => "modes are those of queues: GET /v1/queues lists them",
        "board" => "GET /v1/rankings lists the boards",
        "part" => "GET /v1/rankings lists the boards with their parts",
        "season" => "GET /v1/rankings/{board}/seasons lists the seasons",
        "cohort" => "GET /v1/rankings/{board}/cohorts lists the cohorts of a season",
        "seat" => "a player takes a seat with the first match or score of the season",
        "rank" => "who has no result or score here, is not eligible or is not to be seen has no rank",
        "entry" => "a score makes one: POST /v1/rankings/{board}/entries",
        "watch" => "begin one: PUT /v1/rankings/{board}/watch",
        "payout" => "begin it: POST /v1/rankings/{board}/seasons/{season}/payout",
        "rating" => "the first result that counts gives one",
        "rule set" => "GET /v1/rule-sets lists the rule sets",
        "version of the rule set" => "GET /v1/rule-sets/{rule_set}/versions lists the versions",
        "player" => "players are told by the ids that signing in gave: plr- and 32 digits",
        "match" | "running match" => "GET /v1/matches lists the matches that have not ended",
        "result yet" => "it is there once it is reported: POST /v1/matches/{match_id}/result",
        "proposal" => "a ticket tells its proposal: GET /v1/tickets/{ticket_id}",
        "key" => "GET /v1/admin/keys lists the keys",
        _ => return None,
    })
}

/// Where it is told what a field may be.
fn of_invalid(field: &str, detail: &str) -> Option<&'static str> {
    if detail == NOT_FOR_PLAYERS {
        return Some(
            "name it in the queue's `player_attributes` (PUT /v1/admin/queues/{queue}), or let a server make the ticket",
        );
    }
    let first = field.split(['.', '[']).next().unwrap_or(field);
    Some(match first {
        "rating" | "rating_options" => "docs/ratings.md lists the systems and their options",
        "columns" | "ties" | "by" | "eligibility" | "season" | "tiers" | "cohorts" | "league" | "past" => {
            "docs/boards.md says what a board may be"
        }
        "attributes" | "latency_ms" => "docs/rule-sets.md says what players may bring",
        "reports" => "docs/integrity.md says how players report",
        "friends" | "top" | "personal_best" => "docs/boards.md says what may be watched",
        "after" => "begin again from the first page, without it",
        _ => return None,
    })
}

impl From<ReadError> for EngineError {
    fn from(error: ReadError) -> Self {
        Self::NoAnswer(error.0)
    }
}
