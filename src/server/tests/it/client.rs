use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Incoming, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
    /// The body of a 2xx answer.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.json()
    }
    /// Checks that it was done, and nothing is said about it.
    #[track_caller]
    pub(crate) fn done(self) {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (204, ""));
    }
    /// Checks that it is this error, in the shape that all errors have.
    #[track_caller]
    pub(crate) fn is(self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status.as_u16(), problem["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(problem["status"], status);
        let documented = include_str!("../../../../docs/errors.md");
        assert!(
            documented.contains(&format!("| {status} | `{code}` |")),
            "docs/errors.md lacks {status} {code}"
        );
        assert_eq!(problem["request_id"], self.headers["x-request-id"].to_str().unwrap());
        problem
    }
}

/// One caller: where to, as whom.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) addr: SocketAddr,
    pub(crate) token: Option<String>,
}

/// A request to be changed before it is sent.
pub(crate) struct Call<'a> {
    client: &'a Client,
    builder: hyper::http::request::Builder,
    body: Vec<u8>,
}

impl Client {
    pub(crate) fn as_whom(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }
    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        let mut builder =
            Request::builder().method(method).uri(path).header(header::HOST, self.addr.to_string());
        if let Some(token) = &self.token {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        Call { client: self, builder, body: Vec::new() }
    }
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path).header("x-gsm-reason", "a test").send().await
    }
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(&body).send().await
    }
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path).json(&body).send().await
    }
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }
    pub(crate) fn json(self, body: &Value) -> Self {
        self.text("application/json", &body.to_string())
    }
    pub(crate) fn text(self, kind: &str, body: &str) -> Self {
        self.bytes(kind, body.as_bytes().to_vec())
    }
    pub(crate) fn bytes(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.builder = self.builder.header(header::CONTENT_TYPE, kind);
        self.body = body;
        self
    }
    /// Sends it and gives the answer with its body still to come.
    pub(crate) async fn open(self) -> hyper::Response<Incoming> {
        let stream = TcpStream::connect(self.client.addr).await.expect("connected");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::spawn(connection);
        let request = self.builder.body(Full::<bytes::Bytes>::from(self.body)).expect("a request");
        sender.send_request(request).await.expect("an answer")
    }
    pub(crate) async fn send(self) -> Answer {
        let (method, path) = (self.builder.method_ref().cloned(), self.builder.uri_ref().cloned());
        let (parts, body) = self.open().await.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let answer = Answer { status: parts.status, headers: parts.headers, text };
        if let (Some(method), Some(path)) = (method, path) {
            crate::shapes::check(method.as_str(), path.path(), &answer);
        }
        answer
    }
}
