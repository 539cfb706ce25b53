//! The simulated players of `gsm dev`: they sign in, queue, play and report over the real HTTP API, so that a fresh
//! server shows matches forming and ranks moving within seconds.
//!
//! What it is not: a load test (`gsm bench`), or a check of the server's rules (`gsm-sim`). Nothing here knows the
//! server's crates: bots see what any client sees, ids are text to them.
//! Invariants: [`run`] neither panics nor ends before it is told to, whatever the server does; names, skills and habits
//! are functions of the seed; no bot keeps anything that it could not ask the server for again.
//!
//! `person` and `outcome` are pure; `wire` and `api` speak HTTP; `bot` is one player; `stage` hosts their matches.

mod api;
mod bot;
mod events;
mod lounge;
mod names;
mod outcome;
mod person;
mod rng;
mod salt;
mod stage;
mod watch;
mod wire;
mod world;

use bot::Bot;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use world::World;

/// The most bots of one process; more are not started.
pub(crate) const BOTS_MAX: usize = 10_000;
/// Between two lines about how things go.
const SUMMARY_EVERY: Duration = Duration::from_secs(60);

/// What the bots need to know.
#[derive(Clone)]
pub(crate) struct BotOptions {
    /// Where the server listens. Each bot has an address of its own if this is a loopback address.
    pub(crate) server: SocketAddr,
    /// How many bots, at most [`BOTS_MAX`].
    pub(crate) bots: usize,
    /// Decides names, skills and habits.
    pub(crate) seed: u64,
    /// The key with which the bots' matches are hosted.
    pub(crate) server_key: String,
    /// Keeps the salt of the bots' secrets: in the same directory the same players come back.
    pub(crate) state_dir: PathBuf,
}

/// Plays until `stop`. Tickets and matches are left as they are: the next run with the same directory and seed takes
/// them up again.
pub(crate) async fn run(options: BotOptions, stop: CancellationToken) {
    let options = BotOptions { bots: options.bots.min(BOTS_MAX), ..options };
    play(World::new(options, stop.clone()), stop).await;
}

async fn play(world: Arc<World>, stop: CancellationToken) {
    tracing::info!(bots = world.bots, seed = world.seed, server = %world.server, "bots start to play");
    for index in 0..world.bots {
        let bot = Bot::new(world.clone(), index);
        world.tasks.spawn(stop.clone().run_until_cancelled_owned(bot.live()));
    }
    stop.run_until_cancelled(summaries(&world)).await;
    world.tasks.close();
    world.tasks.wait().await;
    tell(&world, 0);
}

async fn summaries(world: &Arc<World>) {
    let mut before = 0;
    loop {
        tokio::time::sleep(SUMMARY_EVERY).await;
        before = tell(world, before);
    }
}

/// Writes the summary; returns the results so far.
fn tell(world: &World, before: u64) -> u64 {
    let watch = &world.watch;
    let results = watch.results.get();
    tracing::info!(
        entered = watch.entered.get(),
        results,
        results_new = results.saturating_sub(before),
        tickets = watch.tickets.get(),
        answers = watch.answers.get(),
        repeats = watch.repeats.get(),
        refusals = ?watch.refusals(),
        "bots play"
    );
    results
}

#[cfg(test)]
mod tests;
