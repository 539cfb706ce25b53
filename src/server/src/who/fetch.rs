//! Keeps the keys of issuers up to date: files that changed are read again, sets are fetched again after a while, and at
//! once where a token names a key that is not known yet.
//!
//! Only addresses of the configuration are asked, and the one that an issuer's own discovery document names. No token
//! chooses one.
use super::jwks::{KeySet, Origin, SET_BYTES_MAX, Source, shown};
use crate::front::watch::FileWatch;
use futures::future::join_all;
use parking_lot::Mutex;
use reqwest::Url;
use serde_json::Value;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A fetch that takes longer is given up.
const FETCH_MAX: Duration = Duration::from_secs(5);
/// Between two fetches of a set that is in order.
const FETCH_EVERY: Duration = Duration::from_secs(600);
/// Between two fetches for keys that are not known: whoever makes up names of keys costs one fetch in this time.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Between two tries of a set that cannot be fetched.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// How long fetched keys are good while the issuer does not answer.
const STALE_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Between two looks at a source: whether its file has changed, or it is time to fetch.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One source and how it stands.
struct Kept {
    source: Arc<Source>,
    file: Option<Mutex<FileWatch>>,
    fetched: tokio::sync::Mutex<Fetched>,
}

#[derive(Default)]
struct Fetched {
    tried_at: Option<Instant>,
    good_at: Option<Instant>,
    /// When a key that is not known was last looked for.
    looked_at: Option<Instant>,
}

/// Why a source is brought up to date.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why<'a> {
    /// It is time.
    Due,
    /// A token names a key that is not known.
    Unknown(&'a str),
}

/// Keeps sources up to date.
pub(crate) struct Refresher {
    kept: Vec<Kept>,
    client: reqwest::Client,
}

impl Refresher {
    pub(crate) fn new(sources: impl IntoIterator<Item = Arc<Source>>) -> Result<Arc<Self>, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(FETCH_MAX)
            .no_proxy()
            .user_agent(concat!("gsm/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let keep = |source: Arc<Source>| {
            let file = match &source.origin {
                Origin::File(path) => Some(Mutex::new(FileWatch::new(path))),
                _ => None,
            };
            Kept { source, file, fetched: tokio::sync::Mutex::default() }
        };
        Ok(Arc::new(Self { kept: sources.into_iter().map(keep).collect(), client }))
    }

    /// Looks for a key in those of these sources that do not have it; whether one of them has it now.
    pub(crate) async fn look_for(&self, key_id: &str, sources: &[&Arc<Source>]) -> bool {
        let is_of = |kept: &&Kept| sources.iter().any(|source| Arc::ptr_eq(source, &kept.source));
        let looks = self.kept.iter().filter(is_of).map(|kept| self.refresh(kept, Why::Unknown(key_id)));
        join_all(looks).await;
        sources.iter().any(|source| source.current().get(key_id).is_some())
    }

    /// Works until the stop. Each source by itself: an issuer that is slow holds up nobody else.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let all = join_all(self.kept.iter().map(|kept| self.follow(kept)));
        stop.run_until_cancelled(all).await;
        // Of no sources it has nothing to do.
        stop.cancelled().await;
    }

    async fn follow(&self, kept: &Kept) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.refresh(kept, Why::Due).await;
        }
    }

    /// Brings a source up to date, if that is wanted now.
    async fn refresh(&self, kept: &Kept, why: Why<'_>) {
        if let (Some(file), Origin::File(path)) = (&kept.file, &kept.source.origin) {
            if !file.lock().has_changed() {
                return;
            }
            let read = std::fs::read(path).map_err(|e| e.to_string());
            match read.and_then(|text| KeySet::read(&text, true)) {
                Ok(keys) => kept.source.replace(keys),
                Err(error) => {
                    tracing::warn!(file = %path.display(), error, "keys of an issuer stay as they were");
                }
            }
            return;
        }
        if !matches!(kept.source.origin, Origin::Url(_) | Origin::Discovery(_)) {
            return;
        }
        let mut fetched = kept.fetched.lock().await;
        // Another fetch may have brought it while this one waited for its turn.
        let is_here = matches!(why, Why::Unknown(id) if kept.source.current().get(id).is_some());
        if is_here || !fetched.is_wanted(why) {
            return;
        }
        fetched.tried_at = Some(Instant::now());
        if why != Why::Due {
            fetched.looked_at = fetched.tried_at;
        }
        match self.fetch(&kept.source.origin).await {
            Ok(keys) => {
                kept.source.replace_if_other(keys);
                fetched.good_at = fetched.tried_at;
            }
            Err(error) => {
                tracing::warn!(issuer = %kept.source.origin, error, "keys of an issuer cannot be fetched");
                if fetched.good_at.take_if(|at| at.elapsed() > STALE_MAX).is_some() {
                    tracing::error!(issuer = %kept.source.origin, "keys of an issuer are a day old and given up");
                    kept.source.replace(KeySet::default());
                }
            }
        }
    }

    async fn fetch(&self, origin: &Origin) -> Result<KeySet, String> {
        let url = match origin {
            Origin::Url(url) => url.clone(),
            Origin::Discovery(issuer) => self.discover(issuer).await?,
            Origin::File(_) | Origin::Own => return Err("not fetched".to_owned()),
        };
        KeySet::read(&self.get(url).await?, false)
    }

    /// The address of the keys, from the issuer's own description of itself (OpenID Connect Discovery 1.0, section 4).
    async fn discover(&self, issuer: &Url) -> Result<Url, String> {
        let at = format!("{}/.well-known/openid-configuration", issuer.as_str().trim_end_matches('/'));
        let text = self.get(Url::parse(&at).map_err(|e| e.to_string())?).await?;
        let said: Value = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
        let same = |said: &str| said.trim_end_matches('/') == issuer.as_str().trim_end_matches('/');
        if !said["issuer"].as_str().is_some_and(same) {
            return Err("its discovery document is of another issuer".to_owned());
        }
        let keys = said["jwks_uri"].as_str().ok_or("its discovery document has no `jwks_uri`")?;
        let keys = Url::parse(keys).map_err(|e| e.to_string())?;
        if may_name(issuer, &keys) {
            Ok(keys)
        } else {
            Err(format!("`{}` is no https address", shown(&keys)))
        }
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, String> {
        let answer = self.client.get(url).send().await.map_err(|e| e.without_url().to_string())?;
        if !answer.status().is_success() {
            return Err(format!("answered {}", answer.status()));
        }
        let (mut answer, mut text) = (answer, Vec::new());
        while let Some(part) = answer.chunk().await.map_err(|e| e.without_url().to_string())? {
            text.extend_from_slice(&part);
            if text.len() > SET_BYTES_MAX {
                return Err(format!("longer than {SET_BYTES_MAX} bytes"));
            }
        }
        Ok(text)
    }
}

impl Fetched {
    fn is_wanted(&self, why: Why<'_>) -> bool {
        let every = if self.tried_at == self.good_at { FETCH_EVERY } else { TRY_AGAIN };
        let (at, every) = match why {
            Why::Due => (self.tried_at, every),
            Why::Unknown(_) => (self.looked_at, LOOK_AGAIN),
        };
        at.is_none_or(|at| at.elapsed() >= every)
    }
}

/// Whether an issuer may name this address of its keys. Only the configuration sends us to this machine: a document that came
/// from elsewhere does not.
fn may_name(issuer: &Url, keys: &Url) -> bool {
    keys.scheme() == "https" || (issuer.scheme() == "http" && is_fit(keys))
}

/// Whether nobody between can read or change what is said: over https, or on this very machine.
#[must_use]
pub fn is_fit(url: &Url) -> bool {
    let Some(host) = url.host_str().map(|host| host.trim_matches(['[', ']'])) else { return false };
    let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && local)
}

/// Whether a text is an address with a user name or a password.
pub(crate) fn has_user(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests have tasks of their own")]
mod tests {
    use super::*;

    #[test]
    fn a_discovery_document_leads_to_https_alone() {
        let may =
            |issuer: &str, keys: &str| may_name(&Url::parse(issuer).unwrap(), &Url::parse(keys).unwrap());
        assert!(may("https://id.example/", "https://keys.example/jwks"));
        for here in ["http://127.0.0.1:9/k", "http://localhost/k", "http://[::1]/k"] {
            assert!(!may("https://id.example/", here), "{here}");
            assert!(may("http://127.0.0.1:8/", here), "an issuer that is here itself: {here}");
        }
        assert!(!may("https://id.example/", "http://id.example/k"));
        assert!(!may("http://127.0.0.1:8/", "http://id.example/k"));
    }

    #[test]
    fn keys_come_over_https_or_from_here() {
        let fit = |text: &str| is_fit(&Url::parse(text).unwrap());
        for good in
            ["https://id.example/keys", "http://127.0.0.1:9/k", "http://localhost/k", "http://[::1]/k"]
        {
            assert!(fit(good), "{good}");
        }
        for bad in [
            "http://id.example/keys",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "http://localhost.evil/",
        ] {
            assert!(!fit(bad), "{bad}");
        }
    }

    /// A server that takes connections and answers with `keys`, or never.
    async fn issuer(keys: Option<&'static str>) -> Arc<Source> {
        use tokio::{
            io::{AsyncReadExt as _, AsyncWriteExt as _},
            net::TcpListener,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                if let Some(keys) = keys {
                    assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0, "a request");
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", keys.len());
                    stream.write_all(format!("{head}{keys}").as_bytes()).await.unwrap();
                }
                open.push(stream);
            }
        });
        Source::new(Origin::Url(Url::parse(&url).unwrap()), KeySet::default())
    }

    #[tokio::test]
    async fn an_issuer_that_is_slow_holds_up_no_other_and_no_stop() {
        const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let (slow, good) = (issuer(None).await, issuer(Some(KEYS)).await);
        let refresher = Refresher::new([slow.clone(), good.clone()]).unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(refresher.run(stop.clone()));
        let served = async {
            while good.current().get("k").is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.cancel();
            running.await.unwrap();
        };
        assert!(tokio::time::timeout(FETCH_MAX / 2, served).await.is_ok(), "before the slow one is given up");
    }
}
