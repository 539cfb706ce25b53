//! Redis on the same machine in the same run: a sorted set of the same players, by the same moves. Its processor time is
//! that of its process, as `INFO` tells it (`getrusage`); the client's is not counted.
use super::{
    super::child::now,
    workload::{Field, Naming},
};
use crate::{
    output::Failure,
    resp::{Redis, Reply},
};
use std::{
    io,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Commands sent before the answers are read.
const PIPELINE: u64 = 512;
/// The same for long answers.
const PIPELINE_LONG: u64 = 32;
/// Members of one `ZADD` while the set is filled.
const LOAD: u64 = 500;
/// How long a server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(20);

/// A server, and a sorted set of our own in it.
pub(crate) struct Peer {
    /// Ours to end; nothing where the server was there before.
    child: Option<Child>,
    redis: Redis,
    key: String,
    pub(crate) version: String,
}

/// What was found. Times are processor nanoseconds of the server for one operation, pipelined
/// where nothing else is said.
#[derive(Debug)]
pub(crate) struct Readings {
    pub(crate) load_s: f64,
    /// Bytes a player.
    pub(crate) memory: f64,
    pub(crate) update: f64,
    pub(crate) jump: f64,
    pub(crate) rank: f64,
    pub(crate) around: f64,
    pub(crate) top: f64,
    /// Not pipelined: each is asked for when the one before was answered.
    pub(crate) single_rank: f64,
}

impl Peer {
    /// Starts `server`, a program, without persistence; or connects to it, where it is `host:port`.
    pub(crate) fn start(server: &str, dir: &Path) -> Result<Self, Failure> {
        let key = format!("gsm-bench-{}", std::process::id());
        let cannot = |error: &dyn std::fmt::Display| Failure::failed(format!("Redis `{server}`: {error}"));
        let (child, redis) = if is_address(server) {
            (None, Redis::connect(server).map_err(|error| cannot(&error))?)
        } else {
            let (child, redis) = spawn(server, dir).map_err(|error| cannot(&error))?;
            (Some(child), redis)
        };
        let mut peer = Self { child, redis, key, version: String::new() };
        peer.version = peer.info("server", "redis_version").map_err(|error| cannot(&error))?;
        Ok(peer)
    }

    fn info(&mut self, section: &str, name: &str) -> io::Result<String> {
        let answer = self.redis.ask(&[b"INFO", section.as_bytes()])?;
        let text = answer.text().unwrap_or_default();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value
            .map(|value| value.trim().to_owned())
            .ok_or_else(|| io::Error::other(format!("`INFO {section}` has no `{name}`")))
    }

    fn figure(&mut self, section: &str, name: &str) -> io::Result<f64> {
        let text = self.info(section, name)?;
        text.parse().map_err(|_| io::Error::other(format!("`{name}` is `{text}`")))
    }

    /// Processor seconds of the server so far.
    fn cpu_s(&mut self) -> io::Result<f64> {
        Ok(self.figure("cpu", "used_cpu_sys")? + self.figure("cpu", "used_cpu_user")?)
    }

    /// Processor nanoseconds of each of `turns` turns, of which `many` at a time are put into the pipeline.
    fn each(
        &mut self,
        turns: u64,
        many: u64,
        mut push: impl FnMut(&mut Redis, &[u8], u64),
        mut take: impl FnMut(Reply),
    ) -> io::Result<f64> {
        let (before, key) = (self.cpu_s()?, self.key.clone().into_bytes());
        let mut turn = 0;
        while turn < turns {
            let end = (turn + many).min(turns);
            (turn..end).for_each(|turn| push(&mut self.redis, &key, turn));
            self.redis.send(&mut take)?;
            turn = end;
        }
        Ok((self.cpu_s()? - before) * 1e9 / turns as f64)
    }

    /// Fills the set; processor seconds of it.
    fn load(&mut self, field: Field, naming: Naming) -> io::Result<f64> {
        let parts = field.players.div_ceil(LOAD);
        let took = self.each(
            parts,
            8,
            |redis, key, part| {
                let players = part * LOAD..((part + 1) * LOAD).min(field.players);
                redis.begin(2 + 2 * (players.end - players.start) as usize);
                redis.part(b"ZADD");
                redis.part(key);
                for n in players {
                    redis.part(field.score(n).to_string().as_bytes());
                    redis.part(&naming.member(n));
                }
            },
            drop,
        )?;
        Ok(took * parts as f64 / 1e9)
    }

    /// Loads a field and measures; `operations` of each kind, fewer of those with long answers.
    pub(crate) fn measure(&mut self, field: Field, naming: Naming, operations: u64) -> io::Result<Readings> {
        let empty = self.figure("memory", "used_memory_rss")?;
        let load_s = self.load(field, naming)?;
        let set = |redis: &mut Redis, key: &[u8], (player, score): (u64, i64)| {
            redis.push(&[b"ZADD", key, score.to_string().as_bytes(), &naming.member(player)]);
        };
        let update =
            self.each(operations, PIPELINE, |redis, key, turn| set(redis, key, field.step(turn)), drop)?;
        let jump = self.each(
            operations,
            PIPELINE,
            |redis, key, turn| set(redis, key, field.jump(operations + turn)),
            drop,
        )?;
        let mut ranks = Vec::with_capacity(operations as usize);
        let rank = self.each(
            operations,
            PIPELINE,
            |redis, key, turn| redis.push(&[b"ZREVRANK", key, &naming.member(field.player(turn))]),
            |reply| ranks.extend(if let Reply::Whole(rank) = reply { Some(rank) } else { None }),
        )?;
        if ranks.len() as u64 != operations {
            return Err(io::Error::other("a player has no rank"));
        }
        // Those ranks are what the second command of an around-me needs: the two together are one operation.
        let window = self.each(
            operations,
            PIPELINE_LONG,
            |redis, key, turn| {
                let rank = ranks.get(turn as usize).copied().unwrap_or_default();
                let (from, to) = ((rank - 5).max(0).to_string(), (rank + 5).to_string());
                redis.push(&[b"ZREVRANGE", key, from.as_bytes(), to.as_bytes(), b"WITHSCORES"]);
            },
            drop,
        )?;
        let top = self.each(
            operations.div_ceil(10),
            PIPELINE_LONG,
            |redis, key, _| redis.push(&[b"ZREVRANGE", key, b"0", b"99", b"WITHSCORES"]),
            drop,
        )?;
        let single_rank = self.each(
            operations.div_ceil(4),
            1,
            |redis, key, turn| redis.push(&[b"ZREVRANK", key, &naming.member(field.player(turn))]),
            drop,
        )?;
        let memory = (self.figure("memory", "used_memory_rss")? - empty) / field.players as f64;
        Ok(Readings { load_s, memory, update, jump, rank, around: rank + window, top, single_rank })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Whether it succeeds or not, there is nobody to tell here.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        } else {
            let _ = self.redis.ask(&[b"UNLINK", self.key.as_bytes()]);
        }
    }
}

/// `host:port`, and not the path of a program.
fn is_address(server: &str) -> bool {
    let port = server.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    !server.contains('/') && matches!(port, Some(Ok(_)))
}

fn spawn(program: &str, dir: &Path) -> io::Result<(Child, Redis)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let mut child = Command::new(program)
        .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let begin = now();
    loop {
        if let Ok(mut redis) = Redis::connect(&format!("127.0.0.1:{port}"))
            && redis.ask(&[b"PING"]).is_ok()
        {
            return Ok((child, redis));
        }
        let ended = child.try_wait()?;
        if ended.is_some() || begin.elapsed() > READY_MAX {
            let _ = child.kill();
            let _ = child.wait();
            let how =
                ended.map_or("it did not become ready".to_owned(), |status| format!("it ended: {status}"));
            return Err(io::Error::other(how));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn programs_and_addresses_are_told_apart() {
        let found =
            ["redis-server", "/usr/bin/redis:7", "./redis", "localhost:6379", "10.0.0.1:1", "[::1]:6379"];
        assert_eq!(found.map(is_address), [false, false, false, true, true, true]);
    }
}
