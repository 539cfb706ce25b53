//! The use cases of `gsm`: everything a caller can do, in the order in which it happens, over ports.
//!
//! Rules of the game live below (`rating`, `ranking`, `matchmaking`, `session`); storage and HTTP live above.
//! Invariants: a decision is made on rows that were read with their versions and is committed only if they still
//! stand; what a commit may have done is never guessed ([`store::CommitError`]); boards, pools and push streams are
//! folds of commits and never written by hand; nothing here spawns, sleeps without need, or reads a clock of its own.
//!
//! Use cases: [`Engine::sign_in`], [`Engine::create_ticket`], [`Engine::respond`], [`Engine::tick`],
//! [`Engine::create_match`], [`Engine::report_result`], [`Engine::void_result`], [`Engine::rebuild`], [`Engine::rank`]
//! and their neighbours.
mod address_lists;
mod aside;
mod aws_keys;
mod bans;
mod boards;
mod call;
mod engine;
mod error;
mod events;
mod forecasts;
mod forming;
mod frames;
mod generations;
mod hash;
mod import;
mod jobs;
mod keys;
mod learning;
mod loading;
mod matches;
mod matchmaker_data;
mod names;
mod orphans;
mod overview;
mod pairs;
mod penalties;
mod plausibility;
mod players;
mod pools;
mod privacy;
mod proposals;
mod push;
mod queues;
mod ratings;
mod rebuild;
mod recorder;
mod refusals;
mod reports;
mod results;
mod rule_sets;
mod running;
mod sign_in;
mod signing_keys;
pub mod store;
mod sum;
mod systems;
pub mod testing;
mod tickets;
pub mod token;
mod turns;
mod views;

pub use address_lists::{AddressList, Listed, UnknownList};
pub use aws_keys::NewAwsKey;
pub use bans::{Ban, BanKind};
pub use boards::{
    AmongView, BoardConfig, BoardPage, BoardRef, BoardRow, BoardView, CohortView, Column, Cut, Dimension,
    Direction, DivisionStart, Eligibility, Grouping, OpenBoard, Operator, PAST_SEATS_MAX, Part, PastPlace,
    PastRank, PastSeat, PayoutLine, PayoutPage, PayoutView, Places, RankView, SEASONS_LISTED_MAX, SERIES_MAX,
    SaveReport, SeatRef, SeatView, SnapshotRules, SnapshotView, Snapshots, Source, Submission, Taken,
    TierPlace, TierStarts, TierView, Ties, UnrankedRow, Value, Viewer, WatchWish,
};
pub use call::{AdminRole, Call, Fingerprint, Principal, Role};
pub use engine::{Engine, EngineOptions};
pub use error::{EngineError, Kind};
pub use events::{Decision, EventPlayer, EventTicket, Happening, Listener, MatchmakingEvent, RuleCount};
pub use forecasts::{
    Ask, Asked, Beginning, CHALLENGERS_MAX, CONTENDERS, ChallengerGlance, ChallengerView, Chances,
    ContenderView, DriftView, FairnessLine, Heard, HeardOf, MatchPrediction, Miss, ModelGlance, ModelView,
    Question, RecentFigures, RemoteModel, Reply, Segment, SegmentDimension, SegmentFigures, TrainedModel,
};
pub use forming::TickReport;
pub use gsm_ml::Contribution;
pub use gsm_ranking::{
    Placed, Visibility,
    cohort::{CohortConfig, CohortRule, Seat},
    league::{Fate, LeagueConfig},
    payout::PayoutConfig,
    season::{SEASON_STARTS_PER_DAY_MAX, ScheduleConfig, Season},
    soft_reset::{DeviationReset, Preview, PreviewPercentile, PreviewTier, ResetConfig, Target},
    tier::{TierConfig, VisibleReset},
};
pub use import::{IMPORT_MATCHES_MAX, ImportMatch, ImportPlayer, Imported};
pub use keys::{IssuedKey, KeyHolder};
pub use loading::LoadReport;
pub use matches::{MatchView, NewMatch};
pub use matchmaker_data::{DataPlayer, DataTeam, MatchmakerData};
pub use overview::{Counts, Overview, QueueOverview, RecentMatch};
pub use pairs::Flag;
pub use penalties::{Penalties, PenaltyView};
pub use plausibility::{Plausibility, Quarantined, Span};
pub use players::PlayerView;
pub use pools::Explained;
pub use privacy::{
    Account, DataClass, Erasure, ExportCursor, ExportItem, ExportPage, Retention, UpkeepReport,
};
pub use proposals::ProposalView;
pub use push::{PushItem, Subscription};
pub use queues::{Balance, GameLift, QueueConfig};
pub use ratings::HistoryEntry;
pub use rebuild::RebuildReport;
pub use recorder::{Recorder, TicketEnd, TicketStep};
pub use reports::{Candour, Reports, ReportsView, Silence};
pub use results::reset::SoftResetReport;
pub use results::{MatchFacts, ResultView};
pub use rule_sets::{RuleSetVersion, TagChange};
pub use sign_in::SignedIn;
pub use signing_keys::NewSigningKey;
pub use tickets::{CANCELLED, Intake, NewTicket, TicketView};
