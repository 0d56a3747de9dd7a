use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tertulia_shared::events;

#[derive(Serialize, Deserialize, JsonSchema)]
struct Ask;
#[derive(Serialize, Deserialize, JsonSchema)]
struct Tell;

events! {
    pub POLL;
    client emits {
        "poll:vote": Ask;
    }
    server emits {
        "poll:vote": Tell;
    }
}

fn main() {}
