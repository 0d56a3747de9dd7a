//! How TLS is checked, for requests and WebSockets alike: rustls with ring, the certificates of the system and those given.

use crate::connect::ConnectError;
use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

/// Trusts the system's authorities and those of `pem`; Mozilla's where the system has none.
pub(super) fn config(pem: &str) -> Result<ClientConfig, ConnectError> {
    let given: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let given = given.map_err(|error| ConnectError::Certificate(error.to_string()))?;
    if given.is_empty() && !pem.trim().is_empty() {
        return Err(ConnectError::Certificate("there is none".to_owned()));
    }
    let provider = ring::default_provider();
    // For whoever else uses rustls here, as requests of the application itself do. It fails where one was chosen before.
    let _ = provider.clone().install_default();
    let provider = Arc::new(provider);
    let verifier = verifier(given, &provider)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

fn verifier(
    given: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
    let system = Verifier::new_with_extra_roots(given.clone(), Arc::clone(provider));
    if let Ok(system) = system {
        return Ok(Arc::new(system));
    }
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in given {
        roots.add(certificate).map_err(refused)?;
    }
    let mozilla =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok(mozilla.map_err(refused)?)
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
