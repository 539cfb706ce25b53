//! How fast a server starts, and what it takes when nobody asks.
use super::{child::Server, report::Figure};
use crate::output::Failure;
use std::{path::Path, time::Duration};

/// Starts measured; the median counts.
const STARTS: usize = 5;

pub(crate) async fn measure(dir: &Path) -> Result<Vec<Figure>, Failure> {
    let mut took = Vec::new();
    let mut memory = 0.0;
    for n in 0..STARTS {
        let server = Server::serve(&dir.join(format!("start-{n}"))).await?;
        took.push(server.ready_after.as_secs_f64() * 1_000.0);
        if n + 1 == STARTS {
            // What the start took is given back by then, and the first checkpoint has run.
            tokio::time::sleep(Duration::from_secs(6)).await;
            memory = server.rss_mib().unwrap_or(f64::NAN);
        }
    }
    took.sort_by(f64::total_cmp);
    let median = took.get(STARTS / 2).copied().unwrap_or(f64::NAN);
    Ok(vec![
        Figure::new("start to ready, empty directory", median, "ms").at_most(1_000.0),
        Figure::new("idle memory (RSS)", memory, "MiB").at_most(64.0),
    ])
}
