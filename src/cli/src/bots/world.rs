//! What all bots of a process share.
use super::{BotOptions, lounge::Lounge, person, salt, stage::Stage, watch::Watch, wire::Client};
use parking_lot::Mutex;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Above so many bots each polls instead of keeping a stream open.
const STREAMS_MAX: usize = 1_000;
/// Above so many bots no connection is kept between requests: the server holds 10,000.
const KEPT_CONNECTIONS_MAX: usize = 4_000;
/// Bots to one game host, and the bounds of the number of hosts.
const BOTS_PER_HOST: usize = 8;
const HOSTS: (usize, usize) = (32, 1_250);
/// Idle connections of a host.
const HOST_KEEPS: usize = 2;
/// The skill of players who are no bots of ours, in rating points.
const STRANGER_SKILL: f64 = 1500.0;

/// What all bots share. Nothing in it is lost with the process that must not be.
pub(super) struct World {
    pub(super) server: SocketAddr,
    pub(super) bots: usize,
    pub(super) seed: u64,
    pub(super) server_key: String,
    pub(super) salt: [u8; 16],
    /// Another in each process, so that a bot with the same dice does not repeat the keys of an earlier life.
    pub(super) run: u64,
    pub(super) lounge: Lounge,
    pub(super) stage: Stage,
    pub(super) watch: Watch,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    pub(super) hosts: Vec<Client>,
    /// Which bot a player is.
    players: Mutex<BTreeMap<Arc<str>, usize>>,
}

impl World {
    pub(super) fn new(options: BotOptions, stop: CancellationToken) -> Arc<Self> {
        let watch = Watch::default();
        let salt = salt::load(&options.state_dir).unwrap_or_else(|error| {
            watch.warn("salt", &format_args!("{error}; the bots of this run are guessable by their seed"));
            [0; 16]
        });
        let run = salt::draw().map_or(u64::from(std::process::id()), u64::from_be_bytes);
        let hosts = (options.bots / BOTS_PER_HOST).clamp(HOSTS.0, HOSTS.1);
        let host = |index| Client::new(options.server, person::host_address(index), HOST_KEEPS);
        Arc::new(Self {
            server: options.server,
            bots: options.bots,
            seed: options.seed,
            server_key: options.server_key,
            salt,
            run,
            lounge: Lounge::default(),
            stage: Stage::default(),
            watch,
            tasks: TaskTracker::new(),
            stop,
            hosts: (0..hosts).map(host).collect(),
            players: Mutex::default(),
        })
    }

    /// Whether bots follow their streams, or poll.
    pub(super) fn streams(&self) -> bool {
        self.bots <= STREAMS_MAX
    }

    /// A bot's own way to the server.
    pub(super) fn client(&self, index: usize) -> Client {
        let keep = usize::from(self.bots <= KEPT_CONNECTIONS_MAX);
        Client::new(self.server, person::address(index), keep)
    }

    /// Remembers which bot a player is.
    pub(super) fn meet(&self, player: Arc<str>, index: usize) {
        self.players.lock().insert(player, index);
    }

    /// The hidden skill of a player, in rating points.
    pub(super) fn skill(&self, player: &str, mode: &str, at_ms: i64) -> f64 {
        let index = self.players.lock().get(player).copied();
        index.map_or(STRANGER_SKILL, |index| person::skill(self.seed, index, mode, at_ms))
    }
}
