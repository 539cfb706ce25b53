//! One simulated player.
//!
//! Its life is a small state machine, [`Doing`]. Whatever goes wrong ends in `Unsure`, where the bot asks the server what
//! it takes part in: so a restart of either side, a lost answer or a lost race leaves nobody stuck.
use super::{
    api::{Ask, Trouble, call},
    events::{Events, News, TicketNews},
    lounge::{Guest, Invitation},
    person,
    rng::Rng,
    stage,
    wire::Client,
    world::World,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until, timeout},
};

/// Bots that come in per second; more if there are many, so that all are in within [`ENTRY_S_MAX`] seconds.
const ENTRIES_PER_S: f64 = 100.0;
const ENTRY_S_MAX: f64 = 30.0;
/// Between two matches.
const REST_MIN: Duration = Duration::from_millis(500);
const REST_MAX: Duration = Duration::from_millis(4_000);
/// Before the first match: who opens the dashboard wants to see something.
const FIRST_REST_MAX: Duration = Duration::from_millis(600);
/// Before a proposal is answered.
const THINK_MIN: Duration = Duration::from_millis(200);
const THINK_MAX: Duration = Duration::from_millis(1_200);
/// After trouble.
const TROUBLE_MIN: Duration = Duration::from_millis(500);
const TROUBLE_MAX: Duration = Duration::from_millis(2_500);
/// A waiting ticket is looked at so often, whatever the stream says; and so often without a stream.
const LOOK_EVERY: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(1_500);
/// How long a party may take to come together.
const PARTY_WAIT_MAX: Duration = Duration::from_secs(3);
/// How long a guest waits for the ticket: the leader may have to try several times.
const GUEST_WAIT_MAX: Duration = Duration::from_secs(15);
/// Shares of those who queue for `duel` and `squad`; the others queue for `arena`.
const DUEL_SHARE: f64 = 0.60;
const SQUAD_SHARE: f64 = 0.25;
/// Shares of parties of one and of two in `squad`; the others are three.
const SOLO_SHARE: f64 = 0.50;
const PAIR_SHARE: f64 = 0.30;
/// How long a bot waits for a match before it tries its luck anew. Windows of skill need both sides, so the best and
/// the worst of a few hundred would wait for minutes for somebody like them.
const PATIENCE_MIN: Duration = Duration::from_secs(30);
const PATIENCE_MAX: Duration = Duration::from_secs(60);
/// How often a ticket is cancelled soon, a proposal declined or not answered, one's own rank read after a match.
const CANCEL_CHANCE: f64 = 0.02;
const DECLINE_CHANCE: f64 = 0.02;
const IGNORE_CHANCE: f64 = 0.01;
const RANK_CHANCE: f64 = 0.10;

/// A queue of `gsm dev`, and the mode of the same name.
type Queue = &'static str;

/// What a bot is at.
#[derive(Debug)]
enum Doing {
    /// Not signed in.
    Outside,
    /// Signed in, and does not know what it takes part in.
    Unsure,
    /// In nothing, and will queue after a while.
    Resting,
    /// In a queue.
    Waiting(Ticket),
    /// In a match.
    Playing(String),
}

#[derive(Debug)]
struct Ticket {
    id: String,
    /// When it has waited enough.
    cancel_at: Instant,
}

#[derive(Deserialize)]
struct Session {
    player_id: Arc<str>,
    token: String,
}

#[derive(Deserialize)]
struct Player {
    ticket_id: Option<String>,
    match_id: Option<String>,
}

#[derive(Deserialize)]
struct TicketId {
    ticket_id: String,
}

#[derive(Deserialize)]
struct Consent {
    consent: String,
}

#[derive(Deserialize)]
struct Rank {
    rank: u64,
}

/// What is not looked at.
#[derive(Deserialize)]
struct Whatever {}

pub(super) struct Bot {
    world: Arc<World>,
    index: usize,
    rng: Rng,
    client: Client,
    player: Arc<str>,
    token: String,
    events: Events,
    /// The queue of the last ticket of its own.
    queue: Queue,
    /// The proposal last answered, or left without an answer.
    answered: Option<String>,
    calls: u64,
    entered: bool,
}

impl Bot {
    pub(super) fn new(world: Arc<World>, index: usize) -> Self {
        Self {
            rng: Rng::of(world.seed, &[b"bot", &index.to_be_bytes()]),
            client: world.client(index),
            world,
            index,
            player: "".into(),
            token: String::new(),
            events: Events::new(),
            queue: "duel",
            answered: None,
            calls: 0,
            entered: false,
        }
    }

    /// Plays for ever.
    pub(super) async fn live(mut self) {
        let per_s = ENTRIES_PER_S.max(self.world.bots as f64 / ENTRY_S_MAX);
        sleep(Duration::from_secs_f64(self.index as f64 / per_s)).await;
        let mut doing = Doing::Outside;
        loop {
            let next = match doing {
                Doing::Outside => self.sign_in().await,
                Doing::Unsure => self.look().await,
                Doing::Resting => self.rest().await,
                Doing::Waiting(ticket) => self.wait(ticket).await,
                Doing::Playing(match_id) => self.play(&match_id).await,
            };
            doing = match next {
                Ok(next) => next,
                Err(trouble) => self.recover(&trouble).await,
            };
        }
    }

    async fn recover(&mut self, trouble: &Trouble) -> Doing {
        tracing::debug!(bot = self.index, %trouble, "bot starts over");
        let pause = self.rng.between(TROUBLE_MIN, TROUBLE_MAX);
        sleep(pause).await;
        let outside = self.token.is_empty() || matches!(trouble, Trouble::SignIn);
        if outside { Doing::Outside } else { Doing::Unsure }
    }

    async fn call<T: DeserializeOwned>(&mut self, ask: Ask<'_>) -> Result<T, Trouble> {
        let token = std::mem::take(&mut self.token);
        let done = call(&self.client, &self.world.watch, &mut self.rng, &ask.by(&token)).await;
        self.token = token;
        done
    }

    /// A key for a call that must count once.
    fn key(&mut self) -> String {
        self.calls += 1;
        format!("bot-{:016x}-{}-{}", self.world.run, self.index, self.calls)
    }

    async fn sign_in(&mut self) -> Result<Doing, Trouble> {
        self.token.clear();
        let secret = person::secret(&self.world.salt, self.world.seed, self.index);
        let name = person::name(self.world.seed, self.index);
        let body = json!({ "secret": secret, "display_name": name });
        let ask = Ask::post("sign_in", "/v1/auth/guest".to_owned(), body);
        let session: Session = call(&self.client, &self.world.watch, &mut self.rng, &ask).await?;
        tracing::debug!(bot = self.index, player_id = %session.player_id, name, "bot signed in");
        self.world.meet(session.player_id.clone(), self.index);
        if self.player != session.player_id {
            // Another server than before, or the first one: the cursor means nothing there.
            self.events = Events::new();
        }
        (self.player, self.token) = (session.player_id, session.token);
        if !self.entered {
            self.entered = true;
            self.world.watch.entered.add();
            let pause = self.rng.between(Duration::ZERO, FIRST_REST_MAX);
            sleep(pause).await;
            return match self.look().await? {
                Doing::Resting => self.enqueue().await,
                other => Ok(other),
            };
        }
        Ok(Doing::Unsure)
    }

    /// Asks the server what the bot takes part in.
    async fn look(&mut self) -> Result<Doing, Trouble> {
        let player: Player = self.call(Ask::get("player", format!("/v1/players/{}", self.player))).await?;
        Ok(match (player.match_id, player.ticket_id) {
            (Some(match_id), _) => Doing::Playing(match_id),
            (None, Some(id)) => Doing::Waiting(self.patient(id)),
            (None, None) => Doing::Resting,
        })
    }

    /// Rests; joins a party if asked to, queues otherwise.
    async fn rest(&mut self) -> Result<Doing, Trouble> {
        let pause = self.rng.between(REST_MIN, REST_MAX);
        let mut invitations = self.world.lounge.enter(self.index);
        if let Ok(Ok(invitation)) = timeout(pause, &mut invitations).await {
            return self.join(invitation).await;
        }
        self.world.lounge.leave(self.index);
        match invitations.try_recv() {
            Ok(invitation) => self.join(invitation).await,
            Err(_) => self.enqueue().await,
        }
    }

    async fn join(&mut self, invitation: Invitation) -> Result<Doing, Trouble> {
        let Invitation { leader, answer, ticket } = invitation;
        let body = json!({ "leader": &*leader });
        let ask = Ask::post("consent", "/v1/parties/consents".to_owned(), body);
        let Consent { consent } = self.call(ask).await?;
        if answer.send(Guest { player: self.player.clone(), consent }).is_err() {
            // The leader went without.
            return Ok(Doing::Resting);
        }
        match timeout(GUEST_WAIT_MAX, ticket).await {
            Ok(Ok(id)) => Ok(Doing::Waiting(self.patient(id))),
            // The leader failed, after making the ticket or before.
            _ => Ok(Doing::Unsure),
        }
    }

    async fn enqueue(&mut self) -> Result<Doing, Trouble> {
        let (kind, size) = (self.rng.unit(), self.rng.unit());
        let (queue, guests) = match kind {
            k if k < DUEL_SHARE => ("duel", 0),
            k if k >= DUEL_SHARE + SQUAD_SHARE => ("arena", 0),
            _ if size < SOLO_SHARE => ("squad", 0),
            _ if size < SOLO_SHARE + PAIR_SHARE => ("squad", 1),
            _ => ("squad", 2),
        };
        self.queue = queue;
        let (guests, tickets): (Vec<Guest>, Vec<_>) = self.gather(guests).await.into_iter().unzip();
        let members: Vec<_> = guests
            .iter()
            .map(|guest| json!({ "player_id": &*guest.player, "consent": guest.consent }))
            .collect();
        let body = json!({ "queue": queue, "members": members });
        let key = self.key();
        let made: TicketId =
            match self.call(Ask::post("ticket", "/v1/tickets".to_owned(), body).once(key)).await {
                Ok(made) => made,
                Err(trouble @ Trouble::Refused { .. }) => {
                    self.world.watch.warn("ticket_refused", &trouble);
                    return Err(trouble);
                }
                Err(trouble) => return Err(trouble),
            };
        tracing::debug!(
            bot = self.index,
            ticket_id = made.ticket_id,
            queue,
            members = members.len(),
            "bot queues"
        );
        self.world.watch.tickets.add();
        for ticket in tickets {
            // A guest who gave up waiting will find the ticket by itself.
            let _ = ticket.send(made.ticket_id.clone());
        }
        let mut ticket = self.patient(made.ticket_id);
        if self.rng.chance(CANCEL_CHANCE) {
            ticket.cancel_at = Instant::now() + self.rng.between(REST_MIN, REST_MAX);
        }
        Ok(Doing::Waiting(ticket))
    }

    /// A ticket, and how long to wait with it. Guests have patience of their own: their leader may be gone.
    fn patient(&mut self, id: String) -> Ticket {
        Ticket { id, cancel_at: Instant::now() + self.rng.between(PATIENCE_MIN, PATIENCE_MAX) }
    }

    /// Invites so many of those who rest; returns who said yes, each with the way to tell them the ticket.
    async fn gather(&mut self, wanted: usize) -> Vec<(Guest, oneshot::Sender<String>)> {
        let mut asked = Vec::new();
        for _ in 0..wanted {
            let ((answer, yes), (tell, ticket)) = (oneshot::channel(), oneshot::channel());
            let invitation = Invitation { leader: self.player.clone(), answer, ticket };
            if self.world.lounge.invite(invitation, &mut self.rng) {
                asked.push((yes, tell));
            }
        }
        let mut guests = Vec::new();
        let until = Instant::now() + PARTY_WAIT_MAX;
        for (yes, tell) in asked {
            if let Ok(Ok(guest)) = tokio::time::timeout_at(until, yes).await {
                guests.push((guest, tell));
            }
        }
        guests
    }

    /// Waits until the ticket has led to a match or has ended.
    async fn wait(&mut self, ticket: Ticket) -> Result<Doing, Trouble> {
        let every = if self.world.streams() { LOOK_EVERY } else { POLL_EVERY };
        let mut look_at = Instant::now() + every;
        let mut cancel_at = ticket.cancel_at;
        loop {
            let news = tokio::select! {
                news = self.events.next(&self.client, &self.token, &mut self.rng), if self.world.streams() => news,
                () = sleep_until(look_at) => News::Look,
                () = sleep_until(cancel_at) => {
                    cancel_at = Instant::now() + PATIENCE_MIN;
                    self.cancel(&ticket.id).await?;
                    News::Look
                }
            };
            let news = match news {
                News::Ticket(news) if news.ticket_id == ticket.id => news,
                News::Ticket(_) => continue,
                News::Look => {
                    look_at = Instant::now() + every;
                    self.call(Ask::get("ticket_read", format!("/v1/tickets/{}", ticket.id))).await?
                }
            };
            if news.proposal_id.is_some() {
                // Who has accepted cannot cancel.
                cancel_at = cancel_at.max(Instant::now() + PATIENCE_MIN);
            }
            if let Some(next) = self.follow(news).await? {
                return Ok(next);
            }
        }
    }

    /// Does what the state of the ticket asks for; says what comes after the ticket, once something does.
    async fn follow(&mut self, news: TicketNews) -> Result<Option<Doing>, Trouble> {
        match (news.state.as_str(), news.match_id, news.proposal_id) {
            ("completed", Some(match_id), _) => Ok(Some(Doing::Playing(match_id))),
            ("requires_acceptance", _, Some(proposal)) => {
                self.answer(proposal).await?;
                Ok(None)
            }
            ("failed" | "cancelled" | "timed_out", ..) => {
                tracing::debug!(
                    bot = self.index,
                    ticket_id = news.ticket_id,
                    state = news.state,
                    "ticket ended"
                );
                Ok(Some(Doing::Resting))
            }
            _ => Ok(None),
        }
    }

    /// Accepts a proposal, mostly.
    async fn answer(&mut self, proposal: String) -> Result<(), Trouble> {
        if self.answered.as_ref() == Some(&proposal) {
            return Ok(());
        }
        let roll = self.rng.unit();
        let path = format!("/v1/proposals/{proposal}/responses");
        self.answered = Some(proposal);
        if roll < IGNORE_CHANCE {
            return Ok(());
        }
        let accept = roll >= IGNORE_CHANCE + DECLINE_CHANCE;
        let pause = self.rng.between(THINK_MIN, THINK_MAX);
        sleep(pause).await;
        match self.call::<Whatever>(Ask::post("proposal", path, json!({ "accept": accept }))).await {
            // Another has declined meanwhile; the ticket tells how it goes on.
            Err(trouble) if !trouble.is_overtaken() => Err(trouble),
            _ => Ok(()),
        }
    }

    async fn cancel(&mut self, ticket: &str) -> Result<(), Trouble> {
        tracing::debug!(bot = self.index, ticket_id = ticket, "bot cancels");
        match self.call::<Whatever>(Ask::delete("cancel", format!("/v1/tickets/{ticket}"))).await {
            // Matched meanwhile.
            Err(trouble) if !trouble.is_overtaken() => Err(trouble),
            _ => Ok(()),
        }
    }

    async fn play(&mut self, match_id: &str) -> Result<Doing, Trouble> {
        if !stage::until_over(&self.world, match_id).await {
            return Ok(Doing::Unsure);
        }
        if self.rng.chance(RANK_CHANCE) {
            let path = format!("/v1/rankings/{}/players/{}", self.queue, self.player);
            match self.call::<Rank>(Ask::get("rank", path)).await {
                Ok(Rank { rank }) => {
                    tracing::debug!(bot = self.index, mode = self.queue, rank, "bot reads its rank")
                }
                // Guests of a party may not have played in the mode of their own last ticket.
                Err(trouble) if trouble.is_overtaken() => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(Doing::Resting)
    }
}
