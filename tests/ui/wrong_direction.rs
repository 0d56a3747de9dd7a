use tertulia_shared::{ClientToServer, ServerToClient, chat::ChatMessage, chat::ChatSend};

fn emit<E: ClientToServer>() {}
fn listen<E: ServerToClient>() {}

fn main() {
    emit::<ChatMessage>();
    listen::<ChatSend>();
}
