//! A plain HTTP/1.1 client that keeps its connection: the least that a load generator needs.
use crate::output::Failure;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    request: Vec<u8>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The seconds after which a refusal asks to come again.
    pub(crate) retry_after: Option<usize>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The JSON of a 2xx answer.
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        if !(200..300).contains(&self.status) {
            let text = String::from_utf8_lossy(&self.body).into_owned();
            return Err(Failure::failed(format!("the measured server answered {}: {text}", self.status)));
        }
        serde_json::from_slice(&self.body).map_err(Failure::failed)
    }
}

/// A text member of an answer.
pub(crate) fn text(value: &Value, name: &str) -> Result<String, Failure> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| Failure::failed(format!("no `{name}` in {value}")))
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(addr).await.map_err(Failure::failed)?;
        stream.set_nodelay(true).map_err(Failure::failed)?;
        Ok(Self { stream, buffer: Vec::with_capacity(8_192), request: Vec::with_capacity(1_024) })
    }

    /// A connection that has had its first answer. A server closes one that sends nothing for ten seconds; after an
    /// answer it waits for a minute.
    pub(crate) async fn open_used(addr: SocketAddr) -> Result<Self, Failure> {
        let mut connection = Self::open(addr).await?;
        connection.get("/healthz", None).await?;
        Ok(connection)
    }

    pub(crate) async fn get(&mut self, path: &str, token: Option<&str>) -> Result<Answer, Failure> {
        self.send("GET", path, token, None).await
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> Result<Answer, Failure> {
        self.send("POST", path, token, Some(body)).await
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&str>,
    ) -> Result<Answer, Failure> {
        self.head(method, path, token, body, "");
        self.stream.write_all(&self.request).await.map_err(Failure::failed)?;
        self.answer().await
    }

    fn head(&mut self, method: &str, path: &str, token: Option<&str>, body: Option<&str>, more: &str) {
        self.request.clear();
        let mut add = |text: &str| self.request.extend_from_slice(text.as_bytes());
        add(method);
        add(" ");
        add(path);
        add(" HTTP/1.1\r\nhost: bench\r\n");
        add(more);
        if let Some(token) = token {
            add("authorization: Bearer ");
            add(token);
            add("\r\n");
        }
        if let Some(body) = body {
            add("content-type: application/json\r\ncontent-length: ");
            add(&body.len().to_string());
            add("\r\n\r\n");
            add(body);
        } else {
            add("\r\n");
        }
    }

    /// Opens a stream of events; from then on [`Connection::event`] reads it.
    pub(crate) async fn follow(&mut self, path: &str, token: &str) -> Result<(), Failure> {
        self.head("GET", path, Some(token), None, "accept: text/event-stream\r\n");
        self.stream.write_all(&self.request).await.map_err(Failure::failed)
    }

    /// The next `data:` line of the stream that `wanted` takes.
    pub(crate) async fn event(&mut self, wanted: &str) -> Result<String, Failure> {
        loop {
            while let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line = String::from_utf8_lossy(&self.buffer[..end]).trim_end().to_owned();
                self.buffer.drain(..=end);
                if let Some(data) = line.strip_prefix("data: ")
                    && data.contains(wanted)
                {
                    return Ok(data.to_owned());
                }
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.buffer).await.map_err(Failure::failed)? {
            0 => Err(Failure::failed("the measured server closed a connection")),
            _ => Ok(()),
        }
    }

    async fn answer(&mut self) -> Result<Answer, Failure> {
        let head_end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let bad = || Failure::failed("the measured server sent no HTTP answer");
        let head = std::str::from_utf8(&self.buffer[..head_end]).map_err(|_| bad())?;
        let status = head.get(9..12).and_then(|s| s.parse().ok()).ok_or_else(bad)?;
        let number = |name: &str| -> Option<usize> {
            let named = |(of, _): &(&str, &str)| of.eq_ignore_ascii_case(name);
            let (_, value) = head.lines().filter_map(|line| line.split_once(':')).find(named)?;
            value.trim().parse().ok()
        };
        let length = number("content-length").ok_or_else(bad)?;
        let retry_after = if status == BUSY { number("retry-after") } else { None };
        while self.buffer.len() < head_end + length {
            self.more().await?;
        }
        let body = self.buffer[head_end..head_end + length].to_vec();
        self.buffer.drain(..head_end + length);
        Ok(Answer { status, retry_after, body })
    }
}

/// Signs in `count` players over the connections of a load; ids and tokens.
pub(crate) async fn players(addr: SocketAddr, count: usize) -> Result<Vec<(String, String)>, Failure> {
    players_over(addr, LANES, count).await
}

/// The same over so many connections.
pub(crate) async fn players_over(
    addr: SocketAddr,
    lanes: usize,
    count: usize,
) -> Result<Vec<(String, String)>, Failure> {
    let one = async |lane: usize| {
        let mut connection = Connection::open(addr).await?;
        let mut made = Vec::new();
        for n in (lane..count).step_by(lanes) {
            let body = format!(r#"{{"secret":"bench-{n:06}-abcdefghijklmnop"}}"#);
            let session = connection.post("/v1/auth/guest", None, &body).await?.json()?;
            made.push((text(&session, "player_id")?, text(&session, "token")?));
        }
        Ok::<_, Failure>(made)
    };
    let made = futures::future::try_join_all((0..lanes).map(one)).await?;
    Ok(made.into_iter().flatten().collect())
}

/// Connections of the load.
pub(crate) const LANES: usize = 64;

/// The status of a refusal that asks to come again.
pub(crate) const BUSY: u16 = 503;
