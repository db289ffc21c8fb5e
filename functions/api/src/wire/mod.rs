//! Wire types: what bodies hold. Requests are read as these types ([`requests`]); records are shown
//! by the core and the store, and described here ([`records`], [`inbox`], [`letters`]), which the
//! tests hold against each other. Headers are described in [`headers`].

pub mod bulk;
pub mod headers;
pub mod inbox;
pub mod letters;
pub mod records;
pub mod requests;
pub mod schedules;
pub mod timeline;
pub mod words;
pub mod workers;
