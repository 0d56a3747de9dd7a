//! A Leptos page that does nothing: what `cargo xtask size` subtracts, to see what the client adds to a page.

#[cfg(target_arch = "wasm32")]
fn main() {
    use leptos::prelude::*;
    mount_to_body(|| view! { <p>"Hello"</p> });
}

/// Pages are for browsers.
#[cfg(not(target_arch = "wasm32"))]
fn main() {}
