//! Who is who: tokens, accounts, and what becomes of connections whose token is no longer good.
//!
//! Not here: who may do what (`app::policy`), and the doors (`edge`, `broker`).

mod user;

pub use user::{Pass, Standing, User};
