//! The HTTP API: one router over the use cases, served by `taskmill dev` and, in two parts, by the
//! functions `api` and `api-operations`.
//!
//! A handler reads a request, asks who it is from, calls a use case and answers; what is decided
//! is decided there. Wire types are this crate's own ([`wire`]), and the OpenAPI document is made
//! from them and from the handlers ([`document`]). No identity in a body, a path or a query is
//! believed: see [`identity`].

// The futures of the SDK nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

mod answer;
mod body;
mod bulk;
mod callbacks;
mod dead_letters;
mod definitions;
pub mod development;
pub mod document;
mod etag;
pub mod gateway;
mod health;
mod idempotency;
pub mod identity;
mod inbox;
pub mod keys;
mod page;
mod pages;
mod parameters;
mod people;
mod prefer;
mod problem;
mod request;
mod router;
mod routes;
mod schedules;
mod signatures;
mod task_definitions;
mod tasks;
mod token;
pub mod wire;
mod workers;
mod workflow_definitions;
mod workflow_operations;
mod workflows;

pub use development::DevelopmentKey;
pub use identity::{Authority, Checks, ClaimNames};
pub use keys::Keys;
pub use router::{Api, operations, resources, router};
pub use token::Verifier;
