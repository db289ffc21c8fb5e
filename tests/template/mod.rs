//! The template is held against the code: what it makes is what the code expects, and each
//! function may do what it does and nothing else.
//!
//! What no emulator shows is asserted here, on the text.

mod api;
mod functions;
mod rights;
mod storage;
mod text;
mod unseen;
