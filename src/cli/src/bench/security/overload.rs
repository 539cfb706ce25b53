//! More than a server can serve: whom it lets in it serves in time, and the others are told when to come again.
use super::{
    super::{
        child::{Keys, Server},
        http::drive,
        load::{BUSY, Connection, players_over},
    },
    Figure, Took, now,
};
use crate::output::Failure;
use std::{cell::Cell, net::SocketAddr, path::Path, time::Duration};

/// Connections that fill the board, and find out how much can be served: so few that nothing is refused.
const FEW: usize = 16;
/// Connections of the load whose calls come when they come, whatever became of those before.
const MANY: usize = 512;
/// What is asked: a page of a board of so many, so that a call takes the server much more than it takes the load.
const PLAYERS: usize = 1_000;
const BOARD: &str = "/v1/admin/boards/crowd";
const ENTRIES: &str = "/v1/rankings/crowd/entries";
const PAGE: &str = "/v1/rankings/crowd?limit=1000";
const COLUMNS: &str = r#"{"columns":[{"value":"submitted","direction":"descending","operator":"last"}]}"#;

pub(super) async fn measure(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    let (server, keys) = Server::dev_with(&dir.join("overload"), &[]).await?;
    let tokens = fill(server.addr, &keys).await?;
    let most = most(&server, &tokens, time).await?;
    let once = arrive(server.addr, &tokens, most, time).await?;
    let thrice = arrive(server.addr, &tokens, 3.0 * most, time).await?;
    let figure = |what: &str, value, unit| Figure::new(format!("a page of a thousand, {what}"), value, unit);
    Ok(vec![
        figure("16 connections: served at most", most, "/s"),
        figure("as much asked: served", once.rate(), "/s"),
        figure("as much asked: p99 of what is served", once.p99_ms(), "ms"),
        figure("as much asked: refused with 503", once.refused_percent(), "%"),
        figure("three times as much asked: served", thrice.rate(), "/s").beside("served at most", most),
        figure("three times as much asked: p99 of what is served", thrice.p99_ms(), "ms")
            .beside("as much asked", once.p99_ms())
            .at_most_times(2.0),
        figure("three times as much asked: refused with 503", thrice.refused_percent(), "%"),
        figure("three times as much asked: refusals with a Retry-After", thrice.told_percent(), "%")
            .at_least(100.0),
        figure("other answers and broken connections", (once.others + thrice.others) as f64, "").at_most(0.0),
    ])
}

/// A board of a thousand players, and their tokens.
async fn fill(addr: SocketAddr, keys: &Keys) -> Result<Vec<String>, Failure> {
    let known = players_over(addr, FEW, PLAYERS).await?;
    let mut connection = Connection::open(addr).await?;
    connection.send("PUT", BOARD, Some(&keys.admin_key), Some(COLUMNS)).await?.json()?;
    let entries = known
        .iter()
        .zip(0..)
        .map(|((player, _), score)| format!(r#"{{"player_id":"{player}","values":[{score}]}}"#));
    let body = format!(r#"{{"entries":[{}]}}"#, entries.collect::<Vec<_>>().join(","));
    connection.post(ENTRIES, Some(&keys.server_key), &body).await?.json()?;
    Ok(known.into_iter().map(|(_, token)| token).collect())
}

/// Pages that are served in a second to connections that ask again once they are answered.
async fn most(server: &Server, tokens: &[String], time: Duration) -> Result<f64, Failure> {
    let until = now() + time;
    let rate = drive(server, FEW, |lane| async move {
        let mut connection = Connection::open(server.addr).await?;
        let mut done = 0;
        while now() < until {
            connection.get(PAGE, token(tokens, lane)).await?.json()?;
            done += 1;
        }
        Ok(done)
    });
    Ok(rate.await?.per_s)
}

fn token(tokens: &[String], n: usize) -> Option<&str> {
    tokens.get(n % PLAYERS).map(String::as_str)
}

/// Status and Retry-After of an answer, or nothing where the connection broke; and how long it took.
type Answered = (Option<(u16, Option<usize>)>, Duration);

/// What became of the calls of a load.
struct Came {
    /// Of those that were served, from when they should have been made.
    served: Took,
    refused: usize,
    /// Refusals that say when to come again.
    told: usize,
    others: usize,
    /// Until the last was answered.
    all_took: Duration,
}

impl Came {
    fn of(answers: &[Answered], all_took: Duration) -> Self {
        let (mut served, mut refused, mut told, mut others) = (Vec::new(), 0, 0, 0);
        for (answer, took) in answers {
            match answer {
                Some((200, _)) => served.push(took.as_nanos() as u64),
                Some((BUSY, after)) => {
                    refused += 1;
                    told += usize::from(after.is_some_and(|seconds| seconds > 0));
                }
                _ => others += 1,
            }
        }
        Self { served: Took::sorted(served), refused, told, others, all_took }
    }

    fn rate(&self) -> f64 {
        self.served.count() as f64 / self.all_took.as_secs_f64()
    }
    fn p99_ms(&self) -> f64 {
        self.served.at(99) / 1e6
    }
    fn refused_percent(&self) -> f64 {
        let all = self.served.count() + self.refused + self.others;
        100.0 * self.refused as f64 / all as f64
    }
    /// Not a number where nothing was refused.
    fn told_percent(&self) -> f64 {
        100.0 * self.told as f64 / self.refused as f64
    }
}

/// Makes so many calls a second, each at its own instant on a connection that is free.
async fn arrive(addr: SocketAddr, tokens: &[String], per_s: f64, time: Duration) -> Result<Came, Failure> {
    let open = async |_: usize| Connection::open_used(addr).await;
    let connections = futures::future::try_join_all((0..MANY).map(open)).await?;
    let (begin, calls) = (now(), Cell::new(0_usize));
    let due = || {
        let call = calls.replace(calls.get() + 1);
        let after = Duration::from_secs_f64(call as f64 / per_s);
        (after < time).then(|| (call, begin + after))
    };
    let lane = async |mut connection: Connection| {
        let mut answers: Vec<Answered> = Vec::new();
        while let Some((call, at)) = due() {
            tokio::time::sleep_until(at.into()).await;
            let answer = connection.get(PAGE, token(tokens, call)).await;
            answers.push((answer.as_ref().map(|of| (of.status, of.retry_after)).ok(), at.elapsed()));
            if answer.is_err() {
                connection = Connection::open_used(addr).await?;
            }
        }
        Ok::<_, Failure>(answers)
    };
    let answers = futures::future::try_join_all(connections.into_iter().map(lane)).await?.concat();
    Ok(Came::of(&answers, begin.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_served_nor_refused_with_a_time_is_told() {
        let ms = Duration::from_millis;
        let answers = [
            (Some((200, None)), ms(3)),
            (Some((200, None)), ms(1)),
            (Some((BUSY, Some(2))), ms(1)),
            (Some((BUSY, Some(0))), ms(1)),
            (Some((BUSY, None)), ms(1)),
            (Some((BUSY, Some(1))), ms(1)),
            (Some((404, None)), ms(1)),
            (None, ms(1)),
        ];
        let came = Came::of(&answers, ms(500));
        assert_eq!((came.rate(), came.p99_ms()), (4.0, 3.0));
        assert_eq!((came.refused_percent(), came.told_percent(), came.others), (50.0, 50.0, 2));
    }
}
