//! Which cryptography TLS uses: ring, and the certificates of Mozilla and of the system.

/// Chooses it for the whole process, where nothing else was chosen before.
pub(super) fn install() {
    // It fails only where another one was chosen, and that one works as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
