//! Workers of Taskmill: programs that poll for tasks of `worker:<group>` over HTTP.
//!
//! A [`Worker`] polls while it has room, begins what it is offered, gives signs of life while a
//! handler works, and tells how that ended. What it cannot tell it tells again, with growing pauses.
//! Asked to stop, it takes nothing more, lets what is under way end, and gives back what does not
//! end in time. What dies with it is found by its silence, and done by another.
//!
//! ```no_run
//! use serde_json::{Value, json};
//! use taskmill_worker::{Client, Failure, Task, Worker};
//!
//! async fn work(stop: impl Future<Output = ()>) -> Result<(), taskmill_worker::Error> {
//!     let token = std::env::var("TASKMILL_TOKEN").unwrap_or_default();
//!     let client = Client::new("http://127.0.0.1:8080", "gpu", move || token.clone())?;
//!     Worker::new(client).concurrency(4).run(render, stop).await;
//!     Ok(())
//! }
//!
//! async fn render(task: Task) -> Result<Value, Failure> {
//!     let frames = task.input["frames"].as_u64().unwrap_or(0);
//!     for frame in 0..frames {
//!         // … and on the way:
//!         task.progress(json!({"frame": frame}));
//!     }
//!     Ok(json!({"frames": frames}))
//! }
//! ```

mod attempt;
mod client;
mod pause;
mod task;
mod worker;

pub use client::{Client, Error};
pub use task::{Failure, Task};
pub use worker::Worker;
