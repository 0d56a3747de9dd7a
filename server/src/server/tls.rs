//! Who this server is to those who come by TLS: its certificate and key, read from files at the start and again when told.
//!
//! What is under way keeps what it began with; who comes afterwards meets the new certificate.

use crate::config::TlsFiles;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};
use tokio_rustls::TlsAcceptor;

/// What is spoken, the preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate cannot be used: one line that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file.
    #[error("--tls-cert {}: {reason}; give a PEM file with the certificate and those above it", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The key's file.
    #[error("--tls-key {}: {reason}; give a PEM file with the private key of the certificate", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// TLS itself.
    #[error("TLS: {0}")]
    Other(#[from] rustls::Error),
}

/// The certificate that is shown now.
pub(super) struct Certificates {
    files: TlsFiles,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub(super) fn open(files: &TlsFiles) -> Result<Arc<Self>, TlsError> {
        let shown = Arc::new(Shown(RwLock::new(read(files)?)));
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut config =
            config.with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(Arc::new(Self {
            files: files.clone(),
            shown,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }))
    }

    /// What makes handshakes.
    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the files again; where they cannot be used the old ones stay.
    pub(super) fn reload(&self) {
        match read(&self.files) {
            Ok(key) => {
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = key;
                tracing::info!("the certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the old certificate stays"),
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

fn read(files: &TlsFiles) -> Result<Arc<CertifiedKey>, TlsError> {
    let of_certificate = |reason: String| TlsError::Certificate {
        path: files.certificate.clone(),
        reason,
    };
    let of_key = |reason: String| TlsError::Key {
        path: files.key.clone(),
        reason,
    };
    let pem =
        std::fs::read(&files.certificate).map_err(|error| of_certificate(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| of_certificate(error.to_string()))?;
    if certificates.is_empty() {
        return Err(of_certificate("there is no certificate in it".to_owned()));
    }
    let pem = std::fs::read(&files.key).map_err(|error| of_key(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| of_key(error.to_string()))?;
    let key = CertifiedKey::from_der(certificates, key, &ring::default_provider());
    key.map(Arc::new).map_err(|error| match error {
        rustls::Error::InvalidCertificate(_) => of_certificate(error.to_string()),
        error => of_key(error.to_string()),
    })
}
