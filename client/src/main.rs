//! The page's program: puts the page into the document. `trunk` builds it for the browser.
//!
//! Elsewhere it only says so: what runs natively is the library.

#[cfg(target_arch = "wasm32")]
fn main() {
    tertulia_client::app::mount();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    println!(
        "tertulia-client is a web page: `trunk build` or `trunk serve` builds it from index.html"
    );
}
