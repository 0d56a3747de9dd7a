use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tertulia_shared::events;

#[derive(Serialize, Deserialize, JsonSchema)]
struct Vote;

events! {
    pub POLL;
    client emits {
        "Vote": Vote;
    }
    server emits {}
}

fn main() {}
