//! `docs/reference.md` names each metric and each reject code.

use crate::world::server::Server;
use std::{fs, path::Path};
use tertulia_shared::Code;

#[tokio::test]
async fn every_metric_and_every_reject_code_is_told() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference.md");
    let reference = fs::read_to_string(file).unwrap();
    let server = Server::start().await;
    let metrics = reqwest::get(format!("{}/metrics", server.origin()));
    let metrics = metrics.await.unwrap().text().await.unwrap();
    let families = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let mut told = 0;
    for family in families {
        let is_told = |end: char| reference.contains(&format!("`{family}{end}"));
        assert!(is_told('`') || is_told('{'), "{family}");
        told += 1;
    }
    assert!(told > 20, "{metrics}");
    let schema = schemars::schema_for!(Code).to_value().to_string();
    // A code that a build does not know is not sent.
    let codes: Vec<_> = schema
        .split("\"const\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|code| *code != "unknown")
        .collect();
    assert!(codes.len() > 15, "{schema}");
    for code in codes {
        assert!(reference.contains(&format!("| `{code}` |")), "{code}");
    }
}
