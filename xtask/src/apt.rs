//! Programs of the system that the tests need: a browser and its driver, Node, a foreign MQTT broker, a proxy.
//!
//! Installed by apt where we are root on Debian or its like; elsewhere one message names what to install.

use std::fs;
use std::path::Path;
use std::process::{self, Stdio};

use anyhow::{Context, Result, bail};

use crate::command;
use crate::tools::Tools;

/// A program, the names that it may have, and the Debian package that brings it.
struct Needed {
    names: &'static [&'static str],
    package: &'static str,
}

const NEEDED: [Needed; 7] = [
    Needed {
        names: &CHROMIUM,
        package: "chromium",
    },
    Needed {
        names: &["chromedriver"],
        package: "chromium-driver",
    },
    Needed {
        names: &["node"],
        package: "nodejs",
    },
    Needed {
        names: &["npm"],
        package: "npm",
    },
    Needed {
        names: &["mosquitto"],
        package: MOSQUITTO,
    },
    Needed {
        names: &["mosquitto_pub"],
        package: "mosquitto-clients",
    },
    Needed {
        names: &["nginx"],
        package: NGINX,
    },
];

const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// The package that would start a service on our own broker's port.
const MOSQUITTO: &str = "mosquitto";
/// The package that would start a service on port 80, with no modules that we do not use.
const NGINX: &str = "nginx-light";
/// The services of these packages.
const SERVICES: [&str; 2] = [MOSQUITTO, "nginx"];

/// Debian's place for a script that says whether a package may start its service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs the missing programs. Fails when apt does, or when we may not call it.
pub(crate) fn install_missing(tools: &Tools) -> Result<()> {
    let missing = missing(|name| tools.find(name).is_some());
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if tools.find("apt-get").is_none() || !is_root() {
        bail!(
            "the tests need programs that are not here; on Debian or Ubuntu: \
             sudo apt-get install --no-install-recommends {packages}"
        );
    }
    eprintln!("  installing {packages}");
    apt_get(&["update", "--quiet"])?;
    let _quiet = NoService::new(&missing)?;
    let mut install = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    install.extend(&missing);
    apt_get(&install)
}

/// The browser, by whichever name it goes here. Fails when there is none.
pub(crate) fn chromium(tools: &Tools) -> Result<std::path::PathBuf> {
    let found = CHROMIUM.iter().find_map(|name| tools.find(name));
    found.context("no Chromium on PATH")
}

fn missing(is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    NEEDED
        .iter()
        .filter(|needed| !needed.names.iter().any(|name| is_there(name)))
        .map(|needed| needed.package)
        .collect()
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    command::run(
        command::new("apt-get")
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null()),
    )
}

fn is_root() -> bool {
    command::output(command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// While it lives, apt does not start the services; afterwards they are not started at boot either.
struct NoService {
    /// Whether the policy file is ours to remove.
    ours: bool,
}

impl NoService {
    /// Fails when the policy cannot be written.
    fn new(packages: &[&str]) -> Result<Option<Self>> {
        if ![MOSQUITTO, NGINX].iter().any(|it| packages.contains(it)) {
            return Ok(None);
        }
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, policy(process::id()))
                .with_context(|| format!("writing {POLICY}"))?;
            command::run(command::new("chmod").args(["755", POLICY]))?;
        }
        Ok(Some(Self { ours }))
    }
}

impl Drop for NoService {
    fn drop(&mut self) {
        if self.ours {
            // Left behind it does nothing: it only speaks while we live.
            let _ = fs::remove_file(POLICY);
        }
        // Where there is no systemd there is nothing to disable.
        let _ = command::new("systemctl")
            .args(["disable", "--quiet"])
            .args(SERVICES)
            .stderr(Stdio::null())
            .status();
    }
}

/// Refuses (101) the services, and only while the process that wrote it runs.
fn policy(process: u32) -> String {
    let services = SERVICES.map(|name| format!("*\" {name} \"*|*\" {name}.service \"*"));
    let services = services.join("|");
    format!(
        "#!/bin/sh\n\
         # By `cargo xtask test`, only while process {process} runs; safe to delete afterwards.\n\
         kill -0 {process} 2>/dev/null || exit 0\n\
         case \" $* \" in {services}) exit 101 ;; esac\n\
         exit 0\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_missing_where_everything_is() {
        assert!(missing(|_| true).is_empty());
    }

    #[test]
    fn a_browser_of_another_name_will_do() {
        let missing = missing(|name| name != "chromium" && name != "mosquitto");
        assert_eq!(missing, ["mosquitto"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_policy_refuses_services_only_while_we_live() {
        let answer = |process: u32, service: &str| {
            let script = policy(process);
            let mut shell = process::Command::new("sh");
            let status = shell
                .args(["-c", &script, "policy", service, "start"])
                .status();
            status.unwrap().code()
        };
        assert_eq!(answer(process::id(), "mosquitto.service"), Some(101));
        assert_eq!(answer(process::id(), "mosquitto"), Some(101));
        assert_eq!(answer(process::id(), "nginx"), Some(101));
        assert_eq!(answer(process::id(), "ssh.service"), Some(0));
        // No process has this number: Linux stops at 2^22.
        assert_eq!(answer(4_194_305, "mosquitto"), Some(0));
    }
}
