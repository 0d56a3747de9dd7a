//! How TLS is checked, for requests and WebSockets alike: rustls with ring, the certificates of the system and those given.

use crate::connect::ConnectError;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use std::sync::{Arc, OnceLock};

/// Trusts the system's authorities and those of `pem`; Mozilla's where the system has none. The system's are read at the
/// first handshake and kept for all: that takes tens of milliseconds, which most connections never need.
pub(super) fn config(pem: &str) -> Result<ClientConfig, ConnectError> {
    let given: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let given = given.map_err(refused)?;
    if given.is_empty() && !pem.trim().is_empty() {
        return Err(ConnectError::Certificate("there is none".to_owned()));
    }
    let provider = PROVIDER.get_or_init(|| {
        let provider = ring::default_provider();
        // For whoever else uses rustls here, as requests of the application itself do. It fails where one was chosen before.
        let _ = provider.clone().install_default();
        Arc::new(provider)
    });
    let config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Authorities {
            given,
            provider: Arc::clone(provider),
            verifier: OnceLock::new(),
        }))
        .with_no_client_auth();
    Ok(config)
}

static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();

/// What checks against the system's authorities alone, shared by all connections.
static SYSTEM: OnceLock<Checker> = OnceLock::new();

type Checker = Result<Arc<dyn ServerCertVerifier>, Error>;

/// Checks certificates against authorities that it reads when it first has to.
#[derive(Debug)]
struct Authorities {
    given: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    verifier: OnceLock<Checker>,
}

impl Authorities {
    fn verifier(&self) -> Result<&dyn ServerCertVerifier, Error> {
        let place = match self.given.is_empty() {
            true => &SYSTEM,
            false => &self.verifier,
        };
        let checker = place.get_or_init(|| self.read());
        checker.as_deref().map_err(Clone::clone)
    }

    fn read(&self) -> Checker {
        let provider = || Arc::clone(&self.provider);
        let system = Verifier::new_with_extra_roots(self.given.clone(), provider());
        if let Ok(system) = system {
            return Ok(Arc::new(system));
        }
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        for certificate in &self.given {
            roots.add(certificate.clone())?;
        }
        let mozilla = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        let mozilla = mozilla.build();
        Ok(mozilla.map_err(|error| Error::General(error.to_string()))?)
    }
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.verifier()?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = self.verifier()?;
        verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = self.verifier()?;
        verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

fn refused(error: impl ToString) -> ConnectError {
    ConnectError::Certificate(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::config;
    use crate::connect::ConnectError;

    #[test]
    fn what_is_no_certificate_is_refused() {
        config("").unwrap();
        let damaged = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----";
        for pem in ["no certificate", damaged] {
            let refused = config(pem).unwrap_err();
            assert!(matches!(refused, ConnectError::Certificate(_)), "{pem}");
        }
    }
}
