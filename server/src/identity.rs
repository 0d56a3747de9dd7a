//! Who is who: tokens, accounts, and what becomes of connections whose token is no longer good.
//!
//! Not here: who may do what (`app::policy`), and the doors (`edge`, `broker`).

pub mod key;
pub mod name;
pub mod password;
mod token;
mod user;
pub mod visible;

pub use user::{Pass, Standing, User};
