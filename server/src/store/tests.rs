//! The store's promises, each on a file of its own.
