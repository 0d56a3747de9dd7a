//! How many files this process may have open: each connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What is open besides the connections of clients: the broker's, the database, the page's files.
const REST: u64 = 200;

/// Raises the limit of open files as far as the process may by itself (getrlimit(2): the soft limit to the hard one), and
/// says where that is too little for so many connections.
pub(super) fn raise(connections: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays");
    }
    let Some(files) = getrlimit(Resource::Nofile).current else {
        return;
    };
    let needed = u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(REST);
    if files < needed {
        tracing::warn!(
            files,
            needed,
            "the system allows fewer open files than --max-connections asks for"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::raise;
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn as_many_files_as_the_system_allows() {
        raise(1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
