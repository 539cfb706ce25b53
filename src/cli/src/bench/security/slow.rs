//! An honest client beside many that never finish what they say.
use super::{
    super::{
        child::Server,
        load::{Connection, players},
    },
    Figure, Took, now,
};
use crate::output::Failure;
use std::{path::Path, time::Duration};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

const SLOW: usize = 300;
/// Between two lines of a header that never ends.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two calls of the honest client.
const ASKS_EVERY: Duration = Duration::from_millis(5);
/// The server ends a connection whose header takes ten seconds.
const TIME_MAX: Duration = Duration::from_secs(9);

pub(super) async fn measure(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    let (server, _) = Server::dev(&dir.join("slow")).await?;
    let (addr, time) = (server.addr, time.min(TIME_MAX));
    let known = players(addr, 1).await?;
    let (player, token) = known.first().ok_or_else(|| Failure::failed("nobody signed in"))?;
    let path = format!("/v1/players/{player}");
    let mut honest = Connection::open_used(addr).await?;
    let alone = ask(&mut honest, &path, token, time).await?;
    let until = now() + time;
    let drip = async |_: usize| {
        let mut slow = TcpStream::connect(addr).await.map_err(Failure::failed)?;
        slow.write_all(b"GET / HTTP/1.1\r\nhost: bench\r\n").await.map_err(Failure::failed)?;
        while now() < until {
            tokio::time::sleep(PAUSE).await;
            slow.write_all(b"x-slow: 1\r\n").await.map_err(Failure::failed)?;
        }
        Ok::<_, Failure>(())
    };
    let drips = futures::future::try_join_all((0..SLOW).map(drip));
    let (_, beside) = tokio::try_join!(drips, ask(&mut honest, &path, token, time))?;
    let mut figures = Vec::from(alone.figures("an honest call, alone", ("ms", 1e6), None));
    figures.extend(beside.figures("an honest call, beside 300 slow connections", ("ms", 1e6), Some(50.0)));
    Ok(figures)
}

/// Calls at a steady pace for so long.
async fn ask(honest: &mut Connection, path: &str, token: &str, time: Duration) -> Result<Took, Failure> {
    let until = now() + time;
    let mut took = Vec::new();
    while now() < until {
        let begin = now();
        honest.get(path, Some(token)).await?.json()?;
        took.push(begin.elapsed().as_nanos() as u64);
        tokio::time::sleep(ASKS_EVERY).await;
    }
    Ok(Took::sorted(took))
}
