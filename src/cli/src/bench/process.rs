//! Durable results in process: the engine over the embedded store, no HTTP.
use super::{child::now, report::Figure};
use crate::output::Failure;
use gsm_adapters::{EmbeddedStore, Options, SystemClock, SystemIds};
use gsm_core::{MatchId, Mode, PlayerId, QueueName, SplitMix64};
use gsm_engine::{
    Call, Engine, EngineOptions, NewMatch, Principal, QueueConfig, store::Homes, token::TokenKey,
};
use gsm_matchmaking::MatchRules;
use gsm_session::{Report, SideReport, Standings};
use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Who reports at the same time.
const REPORTERS: usize = 64;
/// Players whose ratings move.
const PLAYERS: usize = 10_000;
/// Matches made before the clock runs, per second that is measured: more than can be reported.
const MATCHES_PER_S: usize = 20_000;
/// Most matches made.
const MATCHES_MAX: usize = 400_000;

/// What a sync of this disk takes: the floor below every durable answer.
pub(crate) fn sync_figure(dir: &Path) -> Result<Figure, Failure> {
    let mut file = File::create(dir.join("sync")).map_err(Failure::failed)?;
    let mut took = Vec::new();
    for _ in 0..500 {
        let begin = now();
        file.write_all(&[0; 1_024]).and_then(|()| file.sync_data()).map_err(Failure::failed)?;
        took.push(begin.elapsed().as_secs_f64() * 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    Ok(Figure::new("fdatasync of 1 KiB, p50", took.get(250).copied().unwrap_or(f64::NAN), "ms"))
}

fn call(engine: &Engine) -> Call {
    Call {
        action: "gsm:ReportResult",
        principal: Principal::Server("bench".to_owned()),
        request_id: String::new(),
        once: None,
        now: engine.clock().now(),
        origin: Default::default(),
    }
}

/// Spreads `n` over all values, the same each time.
fn scatter(n: usize) -> u64 {
    SplitMix64::mixed(n as u64)
}

pub(crate) async fn measure(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    let clock = Arc::new(SystemClock::new());
    let store = EmbeddedStore::open(&dir.join("results"), clock.clone(), Options::default())
        .map_err(Failure::failed)?;
    let options = EngineOptions { node: "bench".to_owned(), token_key: TokenKey::new([1; 32]) };
    let engine = Arc::new(Engine::new(Homes::one(store.clone()), clock, Arc::new(SystemIds), options));
    let matches = Arc::new(prepare(&engine, time).await?);
    let next = Arc::new(AtomicUsize::new(0));
    let begin = now();
    let until = begin + time;
    let reporters = (0..REPORTERS).map(|_| {
        let (engine, matches, next) = (engine.clone(), matches.clone(), next.clone());
        #[expect(clippy::disallowed_methods, reason = "a bench waits for its own tasks")]
        let reporter = tokio::spawn(async move {
            let mut done = 0usize;
            while now() < until {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let Some(id) = matches.get(n) else { break };
                let winner = (scatter(n) & 1) as u32;
                let side = |place| SideReport { place, score: None };
                let standings = Standings::Sides(vec![side(1 + winner), side(2 - winner)]);
                let report =
                    Report { standings, quits: Vec::new(), duration: None, variant: None, afk: Vec::new() };
                while let Err(error) = engine.report_result(&call(&engine), *id, None, &report).await {
                    behind(error).await.map_err(Failure::failed)?;
                }
                done += 1;
            }
            Ok::<_, Failure>(done)
        });
        reporter
    });
    let mut done = 0;
    for reporter in futures::future::join_all(reporters).await {
        done += reporter.map_err(Failure::failed)??;
    }
    let rate = done as f64 / begin.elapsed().as_secs_f64();
    let sync = store.stats().sync_us_p50 as f64 / 1_000.0;
    tokio::task::spawn_blocking(move || store.close())
        .await
        .map_err(Failure::failed)?
        .map_err(Failure::failed)?;
    Ok(vec![
        Figure::new("durable results in process, 64 reporters", rate, "/s").at_least(10_000.0),
        Figure::new("group commit (write and sync) meanwhile, p50", sync, "ms"),
    ])
}

async fn prepare(engine: &Arc<Engine>, time: Duration) -> Result<Vec<MatchId>, Failure> {
    let (queue, mode) = (QueueName::new("bench"), Mode::new("bench"));
    let (queue, mode) = (queue.map_err(Failure::failed)?, mode.map_err(Failure::failed)?);
    let config = QueueConfig::new(queue.clone(), mode, MatchRules::default());
    engine
        .put_queue(&Call::system("gsm:PutQueue", engine.clock().now()), config)
        .await
        .map_err(Failure::failed)?;
    let players = parallel(PLAYERS, {
        let engine = engine.clone();
        move |n| {
            let engine = engine.clone();
            async move {
                let call = Call { principal: Principal::Anonymous, ..call(&engine) };
                engine.sign_in(&call, &format!("bench-{n}"), None).await.map(|s| s.player)
            }
        }
    })
    .await?;
    let players: Arc<Vec<PlayerId>> = Arc::new(players);
    let count = (MATCHES_PER_S * time.as_secs() as usize).min(MATCHES_MAX);
    parallel(count, {
        let engine = engine.clone();
        move |n| {
            let (engine, players, queue) = (engine.clone(), players.clone(), queue.clone());
            async move {
                let first = (scatter(n) % PLAYERS as u64) as usize;
                let second = (first + 1 + (scatter(!n) % (PLAYERS as u64 - 1)) as usize) % PLAYERS;
                let sides = vec![vec![players[first]], vec![players[second]]];
                engine
                    .create_match(
                        &call(&engine),
                        &NewMatch { queue, sides, parties: Vec::new(), home: None, variant: None },
                    )
                    .await
                    .map(|m| m.id)
            }
        }
    })
    .await
}

/// Does as the store asks callers to while its checkpoint is behind: waits a little. Any other error is one.
async fn behind(error: gsm_engine::EngineError) -> Result<(), gsm_engine::EngineError> {
    if error.code() == "store_refused" {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(())
    } else {
        Err(error)
    }
}

/// Does `work` for `0..count`, many at once.
async fn parallel<T, F>(
    count: usize,
    work: impl Fn(usize) -> F + Clone + Send + 'static,
) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, gsm_engine::EngineError>> + Send,
{
    const LANES: usize = 512;
    let lanes = (0..LANES).map(|lane| {
        let work = work.clone();
        #[expect(clippy::disallowed_methods, reason = "a bench waits for its own tasks")]
        let lane = tokio::spawn(async move {
            let mut done = Vec::new();
            for n in (lane..count).step_by(LANES) {
                done.push(loop {
                    match work(n).await {
                        Ok(value) => break value,
                        Err(error) => behind(error).await?,
                    }
                });
            }
            Ok::<_, gsm_engine::EngineError>(done)
        });
        lane
    });
    let mut all = Vec::with_capacity(count);
    for lane in futures::future::join_all(lanes).await {
        all.extend(lane.map_err(Failure::failed)?.map_err(Failure::failed)?);
    }
    Ok(all)
}
