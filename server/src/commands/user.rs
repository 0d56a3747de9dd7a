//! `tertulia user`: the registered users of a data directory, also while a server uses it.
//!
//! Not here: what a password's hash or an account is (`identity`, `store`).

use super::Failure;
use crate::{
    identity::{name, new_account, password, register},
    store::{Accounts, StoreError},
};
use clap::{Args as Options, Subcommand};
use std::{
    io::{self, BufRead, IsTerminal, Read, Write},
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// Where a server keeps its data when nothing else is said.
const DATA_DIR: &str = "tertulia-data";
/// What stands in the place of a data directory where there is none.
const IN_MEMORY: &str = "none";

/// What `tertulia user --help` ends with.
const EXAMPLES: &str = "Examples:
  tertulia user add Ada
  pass show tertulia/ada | tertulia user password Ada
  tertulia user remove Ada --data-dir /var/lib/tertulia

The password is asked for, or read as one line of standard input. A server that runs on the same directory knows of a
change within a second; another password and a removal end all sessions of that user.

Exit codes:
  0  done
  1  refused: the name is taken or not there, the password too short, or the data cannot be used
  2  an option is wrong";

/// Add, change, remove and list registered users.
#[derive(Options, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct User {
    /// Where the server keeps its data.
    #[arg(
        long,
        global = true,
        env = "TERTULIA_DATA_DIR",
        value_name = "DIRECTORY",
        default_value = DATA_DIR
    )]
    data_dir: PathBuf,

    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Register a user.
    Add {
        /// The name, 1 to 40 characters.
        name: String,
    },
    /// Give a user another password, and end all its sessions.
    Password {
        /// The name.
        name: String,
    },
    /// Remove a user, and end all its sessions.
    Remove {
        /// The name.
        name: String,
    },
    /// Print each user's name and public id, a line each.
    List,
}

impl User {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// When the name is taken or not there, the password is too short, or the data cannot be used.
    pub fn run(self) -> Result<ExitCode, Failure> {
        let data_dir = match self.data_dir.as_os_str().is_empty() {
            true => DATA_DIR.into(),
            false => self.data_dir,
        };
        if data_dir.as_os_str() == IN_MEMORY {
            let problem = "accounts are kept in a data directory: name one with --data-dir";
            return Err(Failure::usage(problem));
        }
        let open = || Accounts::open(&data_dir).map_err(failed);
        let said = match self.action {
            Action::Add { name } => add(&name, open)?,
            Action::Password { name } => set_password(&name, open)?,
            Action::Remove { name } => remove(&name, open()?)?,
            Action::List => list(&open()?)?,
        };
        // A reader that has gone changes nothing of what was done.
        let _ = io::stdout().write_all(said.as_bytes());
        Ok(ExitCode::SUCCESS)
    }
}

/// Hashes first: nobody waits for that.
fn add(text: &str, open: impl FnOnce() -> Result<Accounts, Failure>) -> Result<String, Failure> {
    let name = name::name(text).map_err(|reject| Failure::new(reject.message))?;
    let hash = asked_password()?;
    let account = new_account(&name, hash, now());
    match register(&mut open()?, &account).map_err(failed)? {
        true => Ok(format!("{name} is registered\n")),
        false => {
            let problem = format!("name `{name}` is taken, or looks like one that is");
            Err(Failure::new(problem))
        }
    }
}

fn set_password(
    name: &str,
    open: impl FnOnce() -> Result<Accounts, Failure>,
) -> Result<String, Failure> {
    let hash = asked_password()?;
    let set = open()?.set_password(&name::folded(name), &hash);
    known(name, set)?;
    Ok(format!("{name} has another password\n"))
}

fn remove(name: &str, mut accounts: Accounts) -> Result<String, Failure> {
    known(name, accounts.remove(&name::folded(name)))?;
    Ok(format!("{name} is removed\n"))
}

fn list(accounts: &Accounts) -> Result<String, Failure> {
    let accounts = accounts.accounts().map_err(failed)?;
    let lines = accounts
        .iter()
        .map(|account| format!("{}\t{}\n", account.name, account.id));
    Ok(lines.collect())
}

fn known(name: &str, changed: Result<bool, StoreError>) -> Result<(), Failure> {
    match changed.map_err(failed)? {
        true => Ok(()),
        false => Err(Failure::new(format!("nobody is registered as `{name}`"))),
    }
}

/// The hash of the password that is asked for without showing it, or read where nobody can be asked.
fn asked_password() -> Result<String, Failure> {
    let unread = |error: io::Error| Failure::new(format!("the password cannot be read: {error}"));
    let password = if io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(unread)?;
        if first != rpassword::prompt_password("Again: ").map_err(unread)? {
            return Err(Failure::new("the two passwords are not the same"));
        }
        first
    } else {
        line().map_err(unread)?
    };
    password::hash(&password).map_err(|error| Failure::new(error.to_string()))
}

/// The first line of standard input, as far as a password may go and a little more.
fn line() -> io::Result<String> {
    let mut line = String::new();
    let most = password::MAX_PASSWORD_BYTES as u64 + 3;
    io::stdin().lock().take(most).read_line(&mut line)?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok(password.strip_suffix('\r').unwrap_or(password).to_owned())
}

fn failed(error: StoreError) -> Failure {
    Failure::new(error.to_string())
}

/// The time in milliseconds since 1970-01-01 UTC.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
