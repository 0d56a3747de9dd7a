//! The smallest Leptos page with the client: it shows how the connection is doing and the last message, and sends one.
//!
//! `cargo xtask size` measures it against `empty_page`.

#[cfg(target_arch = "wasm32")]
fn main() {
    use leptos::{prelude::*, task::spawn_local};
    use tertulia_client::{
        app::signals::latest,
        connection::{Connection, Link},
    };
    use tertulia_shared::{
        chat::{ChatMessage, ChatSend},
        wire::args::ArgsError,
    };

    fn text(message: Option<&Result<ChatMessage, ArgsError>>) -> Option<String> {
        message?.as_ref().ok().map(|message| message.text.clone())
    }

    mount_to_body(|| {
        let Ok(connection) = Connection::connect("http://127.0.0.1:3000") else {
            return view! { <p>"no such server"</p> }.into_any();
        };
        let status = latest(connection.watch());
        let message = latest(connection.listen::<ChatMessage>());
        let hello = ChatSend {
            room: "chat/lobby".to_owned(),
            text: "hello".to_owned(),
            id: None,
        };
        let send = move |_| {
            let sent = connection.emit(&hello);
            spawn_local(async move { drop(sent.await) });
        };
        view! {
            <p>{move || status.get().map(|status| status.link == Link::Connected)}</p>
            <p>{move || message.with(|message| text(message.as_ref()))}</p>
            <button on:click=send>"Say hello"</button>
        }
        .into_any()
    });
}

/// Pages are for browsers.
#[cfg(not(target_arch = "wasm32"))]
fn main() {}
