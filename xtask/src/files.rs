//! How many files what is started here may have open: each connection of a test is one, and many systems begin with 1,024.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit as far as the system lets everybody (getrlimit(2): the soft limit to the hard one); who is started
/// inherits it.
pub(crate) fn raise() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        eprintln!("the limit of open files stays: {error}");
    }
}
