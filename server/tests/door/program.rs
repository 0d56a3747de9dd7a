//! The program itself, where only its environment matters.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

#[test]
fn a_variable_that_is_empty_is_not_set() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tertulia"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(["--mqtt-listen", "127.0.0.1:0"])
        .args(["--data-dir", "none"])
        .envs(
            [
                "TERTULIA_MQTT_URL",
                "TERTULIA_PAGE",
                "TERTULIA_PING_INTERVAL",
                "TERTULIA_NO_HOST_METRICS",
                "TERTULIA_ALLOW_ORIGIN",
                "TERTULIA_LOG",
            ]
            .map(|name| (name, "")),
        )
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(line.starts_with("tertulia ready: page "), "{line}");
}
