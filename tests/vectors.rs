//! The official parsers agree with the golden vectors of `tests/vectors`, which `shared/tests/wire` holds our codec to.

use crate::world::peer::Peer;

#[tokio::test]
async fn the_official_parsers_read_and_write_the_golden_vectors() {
    let mut peer = Peer::start("vectors.mjs", &[]);
    let held = peer.says().await;
    assert!(held["value"].as_u64() > Some(250), "{held}");
    peer.ended_well().await;
}
