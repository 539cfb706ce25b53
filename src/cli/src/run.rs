//! `gsm serve` and `gsm dev`.
use crate::{
    bots::{self, BotOptions},
    flags::Flags,
    output::{Failure, Outcome, note, say},
};
use clap::Args;
use gsm_server::{
    Running,
    config::{Dashboard, Mode, Settings},
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// `gsm serve`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm serve --config /etc/gsm/gsm.toml
  gsm serve --listen 0.0.0.0:8080 --data-dir /var/lib/gsm --log-format json

The first admin's key: gsm admin bootstrap. Ctrl-C or SIGTERM drains and stops; before it is ready, at once.")]
pub(crate) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

/// `gsm dev`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm dev                     200 simulated players; look at http://127.0.0.1:8080
  gsm dev --bots 0            an empty server to play with
  gsm dev --seed 7            other players

Not for production: keys are printed, and the dashboard is open. Ctrl-C drains and stops; starting again carries on.")]
pub(crate) struct Dev {
    #[command(flatten)]
    flags: Flags,
    /// Simulated players, 0 to 10000
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    bots: u32,
    /// Draws the simulated players: their names, skills and habits
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        let settings = self.flags.server_settings(Mode::Serve)?;
        runtime()?.block_on(async {
            let mut signals = Signals::new()?;
            let running = signals.start(settings).await?;
            signals.stop_of(&running).await;
            signals.drain(running).await
        })
    }
}

impl Dev {
    pub(crate) fn run(self) -> Outcome {
        let settings = self.flags.server_settings(Mode::Dev)?;
        let data_dir = settings.data_dir.clone();
        let has_dashboard = settings.dashboard != Dashboard::Off;
        runtime()?.block_on(async {
            let mut signals = Signals::new()?;
            let running = signals.start(settings).await?;
            let addr = running.addr();
            if let Some(keys) = running.dev_credentials() {
                say(format_args!("gsm {} for development", env!("CARGO_PKG_VERSION")));
                if has_dashboard {
                    say(format_args!("  dashboard   http://{addr}/"));
                }
                say(format_args!("  API         http://{addr}/docs"));
                say(format_args!("  data        {}", data_dir.display()));
                say(format_args!("  admin key   {}", keys.admin_key));
                say(format_args!("  server key  {}", keys.server_key));
                say(format_args!("  players     {} simulated, seed {}", self.bots, self.seed));
                say(format_args!("Ctrl-C stops; starting again carries on."));
            }
            let stop = CancellationToken::new();
            let players = running.dev_credentials().filter(|_| self.bots > 0).map(|keys| {
                let options = BotOptions {
                    server: addr,
                    bots: self.bots as usize,
                    seed: self.seed,
                    server_key: keys.server_key.clone(),
                    state_dir: data_dir,
                };
                #[expect(clippy::disallowed_methods, reason = "the players are waited for below")]
                let players = tokio::spawn(bots::run(options, stop.clone()));
                players
            });
            signals.stop_of(&running).await;
            // First the players, so that they do not call upon a server that is going.
            stop.cancel();
            if let Some(players) = players
                && players.await.is_err()
            {
                note("the simulated players ended badly");
            }
            signals.drain(running).await
        })
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Runtime::new().map_err(|e| Failure::failed(format!("cannot start the runtime: {e}")))
}

/// What asks a server to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|e| Failure::failed(format!("cannot listen to signals: {e}")));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn one(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Starts a server; ends the process where a signal comes first. A start answers nobody yet, and what it was writing is
    /// as it would be after a power cut: the next one goes on from there.
    async fn start(&mut self, settings: Settings) -> Result<Running, Failure> {
        // Beside what listens to signals: a start computes for minutes where it reads all results again.
        #[expect(clippy::disallowed_methods, reason = "it is waited for, or the process ends")]
        let starting = tokio::spawn(gsm_server::start(settings));
        tokio::select! {
            biased;
            started = starting => {
                let running = started.map_err(Failure::failed)?.map_err(Failure::failed)?;
                // From here on a signal stops it in order: not before nobody is told that it serves.
                running.announce_ready();
                Ok(running)
            }
            () = self.one() => {
                tracing::info!("stopped before it was ready");
                std::process::exit(0)
            }
        }
    }

    /// Waits for a signal, or for the server to fail.
    async fn stop_of(&mut self, running: &Running) {
        tokio::select! {
            () = self.one() => running.announce_stop(),
            () = running.failed() => {}
        }
    }

    /// Drains; a second signal ends at once.
    async fn drain(&mut self, running: Running) -> Outcome {
        tokio::select! {
            stopped = running.stop() => stopped.map_err(Failure::failed),
            () = self.one() => Err(Failure::failed("stopped at once; what was acknowledged is kept")),
        }
    }
}
