//! `gsm sagemaker serve`
use super::Layout;
use crate::output::{Failure, Outcome, note};
use clap::Args;
use gsm_server::sagemaker::{Serving, serve_model};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// `gsm sagemaker serve`
#[derive(Args)]
#[command(after_help = "Examples:
  docker run -v job:/opt/ml -p 8080:8080 IMAGE serve
  GSM_ML_PREFIX=job gsm sagemaker serve --port 8081
  curl --json '{\"player1\":\"ann\",\"player2\":\"bob\"}' localhost:8081/invocations
  curl --json '{\"teams\":[[\"ann\"],[\"bob\"]],\"explain\":true}' localhost:8081/invocations

GET /ping answers 200 once the model is loaded, 503 before. POST /invocations takes application/json,
application/jsonlines and text/csv: sagemaker/models/README.md. SIGTERM ends it after the calls in flight.

Exit code 0: stopped; 1: the port or the model cannot be used; 2: a flag makes no sense.")]
pub(super) struct Serve {
    #[command(flatten)]
    layout: Layout,
    /// The port; 0 takes a free one
    #[arg(long, value_name = "PORT", env = "SAGEMAKER_BIND_TO_PORT", default_value_t = 8080)]
    port: u16,
    /// The address
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0")]
    host: std::net::IpAddr,
    /// An answer that takes longer is given up; the platform waits for 60 s
    #[arg(long, value_name = "SECONDS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=3600))]
    deadline: u64,
    /// Threads that serve; what has more than 2 KiB or 64 matches is worked at by others. One serves some 40,000 calls a second at the least
    /// processor time for each
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: u16,
}

impl Serve {
    pub(super) fn run(self) -> Outcome {
        let runtime = match self.threads {
            1 => Builder::new_current_thread().enable_all().build(),
            many => Builder::new_multi_thread().worker_threads(many.into()).enable_all().build(),
        };
        let runtime = runtime.map_err(Failure::failed)?;
        let serving = Serving {
            listen: SocketAddr::new(self.host, self.port),
            model_dir: self.layout.model(),
            deadline: Duration::from_secs(self.deadline),
        };
        let served = runtime.block_on(async {
            let listen = |kind| signal(kind).map_err(Failure::failed);
            let (mut terminate, mut interrupt) =
                (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
            let stop = CancellationToken::new();
            let served = serve_model(serving, stop.clone(), |addr| {
                note(format_args!("listening on http://{addr}"));
            });
            let asked = async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                stop.cancel();
            };
            tokio::pin!(served);
            tokio::select! {
                done = &mut served => return done.map_err(Failure::failed),
                () = asked => {}
            }
            served.await.map_err(Failure::failed)
        });
        // A model may still be read.
        runtime.shutdown_background();
        served
    }
}
