//! TLS by rustls: the handshake of a connection, and certificates that are read again when their files change.
use super::{
    gate::{Seat, Sign},
    watch::FileWatch,
};
use crate::who::secret;
use axum::http::Extensions;
use parking_lot::{Mutex, RwLock};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use std::{
    future::{Future as _, poll_fn},
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

/// Between two looks at the files.
const LOOK_AT_FILES: Duration = Duration::from_millis(500);

/// Why a certificate, a key or an authority cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{file}`: {what}")]
pub struct TlsError {
    file: String,
    what: String,
}

/// The files of a listener.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain (PEM), the server's own first.
    pub cert: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// Who signs client certificates, if they are looked at.
    pub client_ca: Option<PathBuf>,
    /// Whether nobody connects without one.
    pub client_required: bool,
    /// Whether a key that others can read is refused.
    pub key_private: bool,
}

/// What a client certificate (DER, verified) adds to each request of its connection.
pub type Identify = Box<dyn Fn(&[u8], &mut Extensions) + Send + Sync>;

/// Encryption of a listener.
pub struct Tls {
    files: TlsFiles,
    identify: Identify,
    config: RwLock<Arc<ServerConfig>>,
    watches: Mutex<Vec<FileWatch>>,
}

fn fail(file: &Path, what: impl std::fmt::Display) -> TlsError {
    TlsError { file: file.display().to_string(), what: what.to_string() }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(file).map_err(|e| fail(file, e))?;
    let found: Vec<_> = read.collect::<Result<_, _>>().map_err(|e| fail(file, e))?;
    if found.is_empty() { Err(fail(file, "there is no certificate in it (PEM)")) } else { Ok(found) }
}

fn config(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| fail(&files.cert, e))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|e| fail(file, e))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if files.client_required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().map_err(|e| fail(file, e))?)
        }
    };
    if let Some(what) = secret::open_to_others(&files.key).filter(|_| files.key_private) {
        return Err(fail(&files.key, what));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| fail(&files.key, e))?;
    let mut config =
        builder.with_single_cert(certificates(&files.cert)?, key).map_err(|e| fail(&files.cert, e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Why files would be refused.
#[must_use]
pub fn fault_of(files: &TlsFiles) -> Option<TlsError> {
    config(files).err()
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Where one cannot be read, or the key is not that of the certificate.
    pub fn open(files: TlsFiles, identify: Identify) -> Result<Arc<Self>, TlsError> {
        let watched = [Some(&files.cert), Some(&files.key), files.client_ca.as_ref()];
        let watches = watched.into_iter().flatten().map(|file| FileWatch::new(file)).collect();
        let config = RwLock::new(Arc::new(config(&files)?));
        Ok(Arc::new(Self { files, identify, config, watches: Mutex::new(watches) }))
    }

    /// Reads the files again when they change, until the stop. New connections get the new certificate; what cannot be
    /// used changes nothing.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK_AT_FILES);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => self.look(),
                () = stop.cancelled() => return,
            }
        }
    }

    fn look(&self) {
        // All of them are looked at: a certificate and its key change one after the other.
        let changed =
            self.watches.lock().iter_mut().filter_map(|file| file.has_changed().then_some(())).count();
        if changed == 0 {
            return;
        }
        match config(&self.files) {
            Ok(config) => {
                *self.config.write() = Arc::new(config);
                tracing::info!(file = %self.files.cert.display(), "certificate read again");
            }
            Err(error) => tracing::warn!(%error, "the certificate stays as it was"),
        }
    }

    /// The handshake; `None` if it fails, or the place is wanted by another.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        seat: &Seat,
        wait_max: Duration,
    ) -> Option<(TlsStream<TcpStream>, Extensions)> {
        let acceptor = TlsAcceptor::from(self.config.read().clone());
        let mut handshake = pin!(acceptor.accept(stream));
        let mut watched = false;
        let accepted = poll_fn(|cx| {
            if !std::mem::replace(&mut watched, true) {
                seat.watch(cx.waker());
            }
            if seat.sign() != Sign::Stay {
                return Poll::Ready(None);
            }
            handshake
                .as_mut()
                .poll(cx)
                .map(|done| done.inspect_err(|error| tracing::debug!(%error, "TLS handshake failed")).ok())
        });
        let stream = tokio::time::timeout(wait_max, accepted).await.ok().flatten()?;
        let mut extensions = Extensions::new();
        if let Some([own, ..]) = stream.get_ref().1.peer_certificates() {
            (self.identify)(own, &mut extensions);
        }
        Some((stream, extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt as _};

    /// What a start refuses is not taken later either.
    #[test]
    fn a_key_that_others_can_read_is_not_taken_while_the_server_runs() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
        let mode = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let renew = || {
            let pair = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            fs::write(&key, pair.serialize_pem()).unwrap();
            fs::write(&cert, params.self_signed(&pair).unwrap().pem()).unwrap();
        };
        renew();
        let files = TlsFiles {
            cert: cert.clone(),
            key: key.clone(),
            client_ca: None,
            client_required: false,
            key_private: true,
        };
        let open = |files: &TlsFiles| Tls::open(files.clone(), Box::new(|_, _| ()));
        mode(0o644);
        let told = open(&files).err().unwrap().to_string();
        assert!(told.contains("tls.key") && told.contains("chmod 600"), "{told}");
        assert!(open(&TlsFiles { key_private: false, ..files.clone() }).is_ok(), "in development");
        mode(0o600);
        let tls = open(&files).unwrap();
        let first = tls.config.read().clone();
        let is_first = || Arc::ptr_eq(&first, &tls.config.read());
        mode(0o644);
        renew();
        tls.look();
        assert!(is_first(), "it stays as it was");
        // Whoever mends the mode alone is heard.
        mode(0o600);
        tls.look();
        assert!(!is_first());
    }
}
