//! Who may come without an account: to a broker that others reach nobody, to this machine's own everybody.

use super::{ADA, publishes, subscribes, user};
use crate::world::{
    process::Process,
    server::{Server, program},
};
use tempfile::TempDir;

/// Breaks when: others reach a broker that asks nobody who they are, because guests may come to the page.
#[tokio::test]
async fn where_others_reach_the_broker_guests_are_not_let_in() {
    let directory = TempDir::new().unwrap();
    user(directory.path(), &["add", "Ada"]).await;
    let mut command = program();
    command.args(["serve", "--no-host-metrics", "--listen", "127.0.0.1:0"]);
    command.args(["--mqtt-listen", "0.0.0.0:0", "--data-dir"]);
    let mut process = Process::start(command.arg(directory.path()));
    let line = process.line_with("tertulia ready").await;
    let port = line.rsplit(':').next().unwrap();
    assert!(publishes(port, "chat/lobby", &ADA).await);
    for options in [&[][..], &["-u", "Bob", "-P", "correct horse"]] {
        assert!(!publishes(port, "chat/lobby", options).await, "{options:?}");
        assert!(
            !subscribes(port, "chat/lobby", options).await,
            "{options:?}"
        );
    }
}

/// Breaks when: a machine's own broker is closed to devices that say something else, without anybody having asked for it.
#[tokio::test]
async fn without_rules_whatever_is_on_this_machine_may_talk() {
    let server = Server::start().await;
    let port = server.mqtt_port();
    for topic in ["zigbee2mqtt/lamp", "chat/lobby"] {
        assert!(publishes(port, topic, &[]).await, "{topic}");
    }
    for filter in ["#", "$SYS/#", "zigbee2mqtt/+"] {
        assert!(subscribes(port, filter, &[]).await, "{filter}");
    }
    assert!(!publishes(port, "chat/private/plans", &[]).await);
    assert!(!subscribes(port, "chat/private/plans", &[]).await);
}
