//! Shapes that several answers share. Times are milliseconds since 1970.
use gsm_core::{MatchId, PlayerId, QueueName, TicketId};
use gsm_engine::{
    Engine, MatchView, ResultView, TicketView,
    store::{Forecast, Inside, RatingRow, SideChange, Spoke, Verdict},
};
use gsm_matchmaking::{Role, WaitEstimate};
use gsm_rating::Offset;
use serde::Serialize;
use utoipa::ToSchema;

/// A rating with its uncertainty.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatingDto {
    /// Mean, in points.
    pub(crate) rating: f64,
    /// Deviation, in points: two thirds of the time the true skill is within one deviation.
    pub(crate) deviation: f64,
    /// How much the skill is expected to move.
    pub(crate) volatility: f64,
}

impl From<gsm_rating::Rating> for RatingDto {
    fn from(rating: gsm_rating::Rating) -> Self {
        Self { rating: rating.mean, deviation: rating.deviation, volatility: rating.volatility }
    }
}

/// A player's rating in one mode.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlayerRatingDto {
    #[schema(value_type = String)]
    pub(crate) player_id: PlayerId,
    pub(crate) mode: String,
    #[serde(flatten)]
    pub(crate) rating: RatingDto,
    /// Rated matches.
    pub(crate) games_played: u32,
    /// Matches in which nobody did better, played to the end.
    pub(crate) wins: u32,
    /// Matches in which first place was shared.
    pub(crate) draws: u32,
    pub(crate) losses: u32,
    /// When the last of them ended, or the rating was set by hand or moved by a soft reset, if that is later.
    pub(crate) rated_at: i64,
    /// How the player does in the variants of the mode played last (at most 16), by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) variants: Vec<OffsetDto>,
}

/// How much better or worse than the rating says a player is in one variant of a mode.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OffsetDto {
    variant: String,
    /// In points: the rating in the variant is the rating and this.
    offset: f64,
    /// How unsure that is, in points.
    deviation: f64,
}

fn offsets(row: &RatingRow) -> Vec<OffsetDto> {
    let kept = row.carried.iter().flat_map(|carried| carried.offsets.iter());
    let mut offsets: Vec<OffsetDto> = kept
        .map(|(variant, Offset { mean, deviation })| OffsetDto {
            variant: variant.to_string(),
            offset: mean,
            deviation,
        })
        .collect();
    offsets.sort_unstable_by(|a, b| a.variant.cmp(&b.variant));
    offsets
}

impl PlayerRatingDto {
    pub(crate) fn new(player: PlayerId, mode: &gsm_core::Mode, row: &RatingRow) -> Self {
        Self {
            player_id: player,
            mode: mode.to_string(),
            rating: row.rating.into(),
            games_played: row.games,
            wins: row.wins,
            draws: row.draws,
            losses: row.games.saturating_sub(row.wins).saturating_sub(row.draws),
            rated_at: row.rated_at.as_millis(),
            variants: offsets(row),
        }
    }
}

/// A ticket as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketDto {
    #[schema(value_type = String)]
    pub(crate) ticket_id: TicketId,
    /// The caller's own id, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    own_id: Option<String>,
    /// Where it waits; of several queues the first, or the one that has proposed or made a match of it.
    #[schema(value_type = String)]
    queue: QueueName,
    /// Every queue that it waits in, where it is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    queues: Vec<QueueName>,
    /// `queued`, `searching`, `requires_acceptance`, `placing`, `completed`, `failed`, `cancelled` or `timed_out`.
    state: &'static str,
    /// The party, its leader first.
    players: Vec<TicketPlayerDto>,
    queued_at: i64,
    /// When it times out by itself.
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
    /// Why it ended, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The proposal that waits for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal_id: Option<String>,
    /// The match it led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    match_id: Option<String>,
    /// While it waits, once enough others have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait: Option<EstimatedWaitDto>,
}

/// How long a ticket will have waited in all, from the waits of tickets like it of late.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EstimatedWaitDto {
    /// Half of such tickets end inside this.
    p50_ms: u64,
    /// Nine of ten do.
    p90_ms: u64,
}

impl From<WaitEstimate> for EstimatedWaitDto {
    fn from(of: WaitEstimate) -> Self {
        Self { p50_ms: of.p50.get(), p90_ms: of.p90.get() }
    }
}

impl TicketDto {
    /// With how long it will wait, if it does.
    pub(crate) fn of(engine: &Engine, view: TicketView) -> Self {
        let is_over = view.row.state.is_terminal();
        let estimate = engine.wait_estimate(&view.row.queue, view.id).filter(|_| !is_over);
        Self { estimated_wait: estimate.map(Into::into), ..view.into() }
    }
}

/// The role of a player in a match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoleDto {
    name: String,
    /// 1 is the one that the player named first; absent where he did not name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<u32>,
}

impl From<Role> for RoleDto {
    fn from(of: Role) -> Self {
        Self { name: of.name, choice: of.choice.map(|at| at.saturating_add(1)) }
    }
}

/// A player of a ticket, with the rating at which it was queued.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketPlayerDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    rating: f64,
    deviation: f64,
    /// Once matched, where the rule set gives roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleDto>,
}

impl From<TicketView> for TicketDto {
    fn from(view: TicketView) -> Self {
        let row = view.row;
        Self {
            ticket_id: view.id,
            own_id: row.own_id.as_ref().map(ToString::to_string),
            queues: if row.also.is_empty() { Vec::new() } else { row.queues().cloned().collect() },
            queue: row.queue,
            state: row.state.as_str(),
            players: row
                .players
                .iter()
                .enumerate()
                .map(|(at, p)| TicketPlayerDto {
                    player_id: p.player,
                    rating: p.rating.mean,
                    deviation: p.rating.deviation,
                    role: row.brought.get(at).and_then(|of| of.role.clone()).map(Into::into),
                })
                .collect(),
            queued_at: row.queued_at.as_millis(),
            expires_at: row.expires_at.as_millis(),
            ended_at: row.ended_at.map(|at| at.as_millis()),
            reason: row.reason.filter(|_| row.state.is_terminal()),
            proposal_id: row.proposal.map(|id| id.to_string()),
            match_id: row.match_id.map(|id| id.to_string()),
            estimated_wait: None,
        }
    }
}

/// A match as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchDto {
    #[schema(value_type = String)]
    match_id: MatchId,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    mode: String,
    /// `created`, `allocating`, `running`, `reporting`, `finished` or `abandoned`.
    state: &'static str,
    sides: Vec<SideDto>,
    /// What the learnt model predicted when the match was formed.
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<PredictionDto>,
    created_at: i64,
    changed_at: i64,
    /// When it is abandoned if no result has come.
    expires_at: i64,
    /// The tickets it came from; none if a server created it.
    #[schema(value_type = Vec<String>)]
    tickets: Vec<TicketId>,
    /// The side with the advantage of the game, from 0, where one has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    home: Option<usize>,
    /// The variant of the mode that is to be played, where one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    /// The longest wait among them.
    wait_ms_max: u64,
    /// Between the best and the worst ticket, in rating points.
    spread: f64,
    /// Where players connect, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    /// For game servers and who made the match: the token that reports this match and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultDto>,
}

/// What the learnt model predicts of a match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PredictionDto {
    /// How even the match is expected to be, 0 to 1.
    quality: f64,
    /// The score that each side is expected to reach, 0 to 1.
    expected: Vec<f64>,
    /// Of two sides: the chance that the first one wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    win: Option<f64>,
    /// That they draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<f64>,
    /// That the first one loses.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    /// For servers and admins.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    inside: Option<InsideDto>,
}

/// How a prediction came about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InsideDto {
    /// Of two sides: the expected score of the first is believed to be at least this, 95 times out of 100 within both.
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    /// And at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
    /// The expected lead of the first side in points, where scores are reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<f64>,
    /// Who spoke: `local`, the mode's own model, or `endpoint`.
    speaker: &'static str,
    /// The model that spoke.
    model: String,
    /// The endpoint's production variant that spoke, where it told.
    #[serde(skip_serializing_if = "Option::is_none")]
    production_variant: Option<String>,
    /// Where the endpoint spoke, the id of the call (`InferenceId`): data capture of the endpoint has what was asked and answered under it. Matches that
    /// were asked about in one call share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_id: Option<String>,
    /// Why the endpoint that was asked did not speak: `slow`, `resting` (left alone, for it failed too often), `model_error`,
    /// `platform_error`, `unreachable`, `garbled` or `lied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_missed: Option<&'static str>,
    /// Where the endpoint spoke, what the mode's own model says.
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<OwnDto>,
    /// Results of the mode that its own model had learnt from.
    learnt: u64,
    /// The commit of the last of them.
    sequence: u64,
    /// When it was asked.
    at: i64,
}

/// What the mode's own model says where another spoke.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnDto {
    /// Its name.
    model: String,
    /// The score that it expects of the first side; contributions sum to the logit of this.
    expected: f64,
}

impl InsideDto {
    fn new(inside: Inside) -> Self {
        let own = inside.model;
        let mut inference_id = None;
        let (speaker, model, production_variant, endpoint_missed, local) = match inside.spoke {
            Spoke::Own => ("local", own, None, None, None),
            Spoke::InsteadFor(miss) => ("local", own, None, Some(miss.as_str()), None),
            Spoke::Elsewhere { model, variant, own: expected } => {
                ("endpoint", model, variant, None, Some(OwnDto { model: own, expected }))
            }
            Spoke::Called { model, variant, own: expected, inference } => {
                inference_id = Some(inference);
                ("endpoint", model, variant, None, Some(OwnDto { model: own, expected }))
            }
        };
        Self {
            low: inside.interval.map(|[low, _]| low),
            high: inside.interval.map(|[_, high]| high),
            margin: inside.margin,
            speaker,
            model,
            production_variant,
            inference_id,
            endpoint_missed,
            local,
            learnt: inside.learnt,
            sequence: inside.sequence,
            at: inside.at.as_millis(),
        }
    }
}

impl From<Forecast> for PredictionDto {
    fn from(forecast: Forecast) -> Self {
        let of = |nth: usize| forecast.chances.and_then(|chances| chances.get(nth).copied());
        let inside = forecast.inside.map(|inside| InsideDto::new(*inside));
        Self {
            quality: forecast.quality,
            win: of(0),
            draw: of(1),
            loss: of(2),
            expected: forecast.expected,
            inside,
        }
    }
}

/// A side of a match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SideDto {
    /// Its name, where the queue's rule set gives it one.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    players: Vec<MatchSeatDto>,
    /// What the rating system of the queue expected of the side when the match was made, 0 to 1: of two sides the score; of
    /// more the share of all pairings won, so that four equals have 0.25 each. By the ratings alone: what `rating_options`
    /// make of them (the points of a party) counts in the `expected` of `why` and of the result, not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<f64>,
}

/// A player of a side.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchSeatDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// `reserved`, `active`, `completed` or `timed_out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'static str>,
    /// Where the rule set gives roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleDto>,
}

impl From<MatchView> for MatchDto {
    fn from(view: MatchView) -> Self {
        let row = view.row;
        let session = |player: PlayerId| {
            row.player_sessions.iter().find(|s| s.player == player).map(|s| s.state.as_str())
        };
        let seat = |player: &PlayerId| MatchSeatDto {
            player_id: *player,
            session: session(*player),
            role: row.roles.get(player).cloned().map(Into::into),
        };
        let sides = row
            .roster
            .sides()
            .iter()
            .enumerate()
            .map(|(at, side)| SideDto {
                team: row.teams.get(at).cloned(),
                players: side.iter().map(seat).collect(),
                expected: row.prediction.expected.get(at).copied(),
            })
            .collect();
        Self {
            match_id: view.id,
            queue: row.queue.as_ref().map(ToString::to_string),
            mode: row.mode.to_string(),
            state: row.state.as_str(),
            home: row.roster.home(),
            variant: row.roster.variant().map(ToString::to_string),
            sides,
            prediction: row.prediction.forecast.map(|forecast| (*forecast).into()),
            created_at: row.created_at.as_millis(),
            changed_at: row.changed_at.as_millis(),
            expires_at: row.expires_at.as_millis(),
            wait_ms_max: row.wait_ms_max.get(),
            spread: row.spread,
            connection: row.connection.clone(),
            tickets: row.tickets,
            server_token: view.server_token,
            result: view.result.map(Into::into),
        }
    }
}

/// A result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultDto {
    #[schema(value_type = String)]
    match_id: MatchId,
    mode: String,
    /// When it was reported.
    at: i64,
    /// `counted`, `quarantined` or `disputed` (it does not count until an operator has looked at it), `voided` or
    /// `corrected`.
    verdict: &'static str,
    /// When it was voided or corrected, or held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    ruled_at: Option<i64>,
    /// The place of each side as first reported, where a correction says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_places: Option<Vec<u32>>,
    /// The place of each side, 1 is the best; equal places are a draw.
    places: Vec<u32>,
    /// The score of each side, where one was reported.
    scores: Vec<Option<f64>>,
    /// Players who left before the end.
    #[schema(value_type = Vec<String>)]
    quits: Vec<PlayerId>,
    /// Who played a part of the match alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shares: Vec<ShareDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    /// The variant of the mode that was played, where one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    /// What it did to each player's rating; nothing while it is voided.
    changes: Vec<ChangeDto>,
}

/// The part of a match that a player played.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// 0 to 1.
    share: f64,
}

/// What a match did to one rating.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The side, from 0.
    side: usize,
    place: u32,
    before: RatingDto,
    after: RatingDto,
    /// The score expected, 0 to 1: win 1, draw 0.5, loss 0, the mean over all opponents, by the ratings as the result met
    /// them and with the mode's rating options.
    expected: f64,
    /// The score reached, 0 to 1.
    actual: f64,
}

impl From<ResultView> for ResultDto {
    fn from(view: ResultView) -> Self {
        let row = view.row;
        let change = |change: &SideChange| {
            let side = row.roster.side_of(change.player).unwrap_or(0);
            ChangeDto {
                player_id: change.player,
                side,
                place: row.result.places().get(side).copied().unwrap_or(1),
                before: change.before.into(),
                after: change.after.into(),
                expected: change.expected,
                actual: change.actual,
            }
        };
        let (verdict, ruled_at) = match &row.verdict {
            Verdict::Counted => ("counted", None),
            Verdict::Quarantined { at, .. } => ("quarantined", Some(at.as_millis())),
            Verdict::Disputed { at, .. } => ("disputed", Some(at.as_millis())),
            Verdict::Voided { at, .. } => ("voided", Some(at.as_millis())),
            Verdict::Corrected { at, .. } => ("corrected", Some(at.as_millis())),
        };
        Self {
            match_id: view.match_id,
            mode: row.mode.to_string(),
            at: row.at.as_millis(),
            verdict,
            ruled_at,
            reported_places: row.reported.as_ref().map(|first| first.places().to_vec()),
            places: row.result.places().to_vec(),
            scores: row.result.scores().to_vec(),
            quits: row.result.quits().to_vec(),
            shares: row
                .result
                .shares()
                .iter()
                .map(|(player_id, share)| ShareDto { player_id: *player_id, share: *share })
                .collect(),
            duration_ms: row.result.duration().map(|d| d.get()),
            variant: row.result.variant().map(ToString::to_string),
            changes: row.changes.iter().map(change).collect(),
        }
    }
}
