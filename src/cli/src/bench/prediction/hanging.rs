//! What callers notice of a model's endpoint that takes calls and never answers: each call has a budget, and after some of them
//! it is left alone.
use crate::{
    bench::{
        child::{NOTHING_SHED, Server, now},
        load::{Connection, players},
        report::Figure,
        took::Took,
    },
    output::{Failure, note},
};
use std::{net::TcpListener, path::Path, time::Duration};

/// Connections of the load.
const LANES: usize = 8;
const PLAYERS: usize = 100;
/// Calls that waited for an endpoint until their budget was over, in `/metrics`.
const SLOW: &str = r#"gsm_endpoint_calls_total{outcome="slow"}"#;
/// What the AWS SDK takes from its environment, and which endpoint is asked.
const SETTINGS: [(&str, &str); 7] = [
    NOTHING_SHED,
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("GSM__PREDICTOR__KIND", "sagemaker"),
    ("GSM__PREDICTOR__ENDPOINT", "bench"),
    ("GSM__PREDICTOR__REGION", "eu-west-1"),
];

pub(super) async fn measure(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    if !cfg!(feature = "sagemaker") {
        note("not measured: this build asks no endpoint (feature `sagemaker`)");
        return Ok(Vec::new());
    }
    let alone = created(&dir.join("alone"), &[NOTHING_SHED], time).await?;
    // The system takes its connections; nobody reads what they say.
    let endpoint = TcpListener::bind("127.0.0.1:0").map_err(Failure::failed)?;
    let url = format!("http://{}", endpoint.local_addr().map_err(Failure::failed)?);
    let settings = [&SETTINGS[..], &[("GSM__PREDICTOR__URL", url.as_str())]].concat();
    let beside = created(&dir.join("hanging"), &settings, time).await?;
    drop(endpoint);
    let figure = |what: &str, value, unit| Figure::new(format!("a match created, {what}"), value, unit);
    let waited = 100.0 * beside.slow / beside.took.count() as f64;
    Ok(vec![
        figure("no endpoint: p99", alone.took.at(99) / 1e6, "ms"),
        figure("its endpoint never answers: p99", beside.took.at(99) / 1e6, "ms"),
        figure("its endpoint never answers: the longest", beside.took.most() / 1e6, "ms"),
        figure("its endpoint never answers: had waited for it", waited, "%"),
    ])
}

struct Created {
    took: Took,
    /// How many waited for the endpoint.
    slow: f64,
}

/// Creates matches for so long.
async fn created(dir: &Path, settings: &[(&str, &str)], time: Duration) -> Result<Created, Failure> {
    let (server, keys) = Server::dev_with(dir, settings).await?;
    let known = players(server.addr, PLAYERS).await?;
    let until = now() + time;
    let lane = async |lane: usize| {
        let mut connection = Connection::open(server.addr).await?;
        let mut took = Vec::new();
        for pair in known.chunks_exact(2).cycle().skip(lane) {
            let begin = now();
            if begin >= until {
                break;
            }
            let body = format!(r#"{{"queue":"duel","players":["{}","{}"]}}"#, pair[0].0, pair[1].0);
            connection.post("/v1/matches", Some(&keys.server_key), &body).await?.json()?;
            took.push(begin.elapsed().as_nanos() as u64);
        }
        Ok::<_, Failure>(took)
    };
    let took = futures::future::try_join_all((0..LANES).map(lane)).await?.concat();
    let metrics = Connection::open(server.addr).await?.get("/metrics", None).await?.body;
    let metrics = String::from_utf8_lossy(&metrics);
    let slow = metrics.lines().find_map(|line| line.strip_prefix(SLOW)?.trim().parse::<f64>().ok());
    Ok(Created { took: Took::sorted(took), slow: slow.unwrap_or(0.0) })
}
