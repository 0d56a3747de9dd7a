//! What the page knows, as plain values and pure functions: no web-sys, no Leptos, no clock.
//!
//! Not here: how it looks (`view`) and the texts (`text`). Times are milliseconds since 1970-01-01 UTC,
//! but for the devices': those are of the page's time line (`clock`).

pub mod age;
pub mod announce;
pub mod chat_log;
pub mod clock;
pub mod command;
pub mod device;
pub mod devices;
pub mod failure;
pub mod link;
pub mod message;
pub mod number;
pub mod origin;
pub mod outbox;
pub mod pass;
pub mod people;
pub mod plot;
pub mod reach;
pub mod room_name;
pub mod roster;
pub mod rows;
pub mod scale;
pub mod selection;
pub mod series;
pub mod slash;
pub mod table;
