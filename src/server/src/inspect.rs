//! What `gsm doctor` looks at: the files that a start would refuse, and those that will be refused soon.
use crate::{
    config::Mode,
    front::tls,
    webhooks::Secret,
    who::{jwks, secret},
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use std::path::Path;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Why `gsm serve` would refuse the secret of a webhook; `None` if it is fit.
#[must_use]
pub fn webhook_secret_fault(path: &Path) -> Option<String> {
    Secret::fit(path, Mode::Serve).err()
}

/// Why a file is open to others; `None` if it is not.
#[must_use]
pub fn open_to_others(path: &Path) -> Option<String> {
    secret::open_to_others(path)
}

/// Why a file of an issuer's keys would be refused; `None` if it is fit.
#[must_use]
pub fn jwks_fault(path: &Path) -> Option<String> {
    jwks::fault_of(path).map(|error| error.to_string())
}

/// Why a certificate and a key do not go together; `None` if they do.
#[must_use]
pub fn tls_fault(cert: &Path, key: &Path) -> Option<String> {
    let files = tls::TlsFiles {
        cert: cert.to_owned(),
        key: key.to_owned(),
        client_ca: None,
        client_required: false,
        key_private: false,
    };
    tls::fault_of(&files).map(|error| error.to_string())
}

/// The first certificate of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// From when on it is good, in seconds since 1970.
    pub not_before_s: i64,
    /// Until when.
    pub not_after_s: i64,
}

/// Reads a certificate (PEM).
///
/// # Errors
/// In words, where it cannot be read.
pub fn certificate(path: &Path) -> Result<Certificate, String> {
    let mut all = CertificateDer::pem_file_iter(path).map_err(|e| e.to_string())?;
    let der = all.next().ok_or("there is no certificate in it (PEM)")?.map_err(|e| e.to_string())?;
    let (_, read) = X509Certificate::from_der(&der).map_err(|e| e.to_string())?;
    Ok(Certificate {
        subject: read.subject().to_string(),
        not_before_s: read.validity().not_before.timestamp(),
        not_after_s: read.validity().not_after.timestamp(),
    })
}
