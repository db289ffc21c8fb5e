//! End-to-end tests: the handlers that Lambda runs, over the embedded AWS, in virtual time.
//!
//! Nothing is mocked: every test goes through the SDK, the queues and the tables. What is scripted
//! is the executor alone, because executors are what users add. Two ways of running are tested:
//! the local service, which looks at everything when it starts, and a fleet of functions, which
//! has only its messages and the minute's sweep.

#[cfg(test)]
mod api;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod callbacks;
#[cfg(test)]
mod company;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod dead_letters;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod invocation;
#[cfg(test)]
mod model;
#[cfg(test)]
mod moments;
#[cfg(test)]
mod newborn;
#[cfg(test)]
mod people;
#[cfg(test)]
mod places;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod purge;
#[cfg(test)]
mod races;
#[cfg(test)]
mod runaway;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod support;
#[cfg(test)]
mod task_tokens;
#[cfg(test)]
mod template;
#[cfg(test)]
mod thousand;
#[cfg(test)]
mod timers;
#[cfg(test)]
mod unreadable;
#[cfg(test)]
mod views;
#[cfg(test)]
mod workers;
