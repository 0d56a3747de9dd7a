//! What decides which events are handed over.

use std::fmt;
use tertulia_shared::wire::args::Args;

/// Says of each event whether it is handed over.
pub struct Gate(Box<dyn FnMut(&Args) -> bool + Send>);

impl Gate {
    pub(super) fn new(passes: impl FnMut(&Args) -> bool + Send + 'static) -> Self {
        Self(Box::new(passes))
    }

    pub(super) fn passes(&mut self, args: &Args) -> bool {
        (self.0)(args)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gate")
    }
}
