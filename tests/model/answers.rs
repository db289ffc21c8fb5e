//! What the tasks of generated workflows answer: a function of the task's place and attempt, so
//! that the interpreter and the engine are answered alike, whoever asks first. And what a task
//! comes to by that, as the language has it: attempts, retries and time limits.

use serde_json::{Value, json};

use super::retry::{self, Used};

/// What an attempt comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// After so many milliseconds.
    pub after: u64,
    /// The output, or the code of a failure.
    pub result: Result<Value, &'static str>,
}

/// The codes that tasks fail with.
pub const CODES: [&str; 3] = ["BUSY", "GONE", "ODD"];
/// The definitions of tasks: one always succeeds, one sometimes fails, one always does.
pub const TASKS: [&str; 3] = ["sure", "maybe", "never"];

/// The answer to an attempt (from 1) of the `nth` task (from 0) that ran at a path.
pub fn answer(seed: u64, definition: &str, path: &str, nth: u32, attempt: u32) -> Answer {
    let drawn = hash(&format!("{seed} {path} {nth} {attempt}"));
    let after = 1 + drawn % 49_999;
    let fails = match definition {
        "sure" => false,
        "maybe" => (drawn >> 20).is_multiple_of(2),
        _ => true,
    };
    let code = CODES[(drawn >> 32) as usize % CODES.len()];
    let output = json!({ "n": (drawn >> 40) % 10 });
    Answer {
        after,
        result: if fails { Err(code) } else { Ok(output) },
    }
}

/// How many milliseconds an attempt may take that nothing else limits.
const ATTEMPT: u64 = 60_000;

/// A task: whose answers it is given, and what bounds it.
#[derive(Debug, Clone)]
pub struct Task<'t> {
    pub definition: &'t str,
    pub path: &'t str,
    /// How many tasks ran at the path before.
    pub nth: u32,
    pub retry_policy: &'t Value,
    /// Milliseconds for an attempt.
    pub start_to_close: Option<u64>,
    /// Milliseconds for everything.
    pub schedule_to_close: Option<u64>,
}

/// What a task comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    pub after: u64,
    pub status: &'static str,
    /// The output, or the code of its error.
    pub result: Result<Value, &'static str>,
}

impl Task<'_> {
    /// What it comes to when nothing comes in between.
    pub fn course(&self, seed: u64) -> Course {
        let whole = self.schedule_to_close.unwrap_or(u64::MAX);
        let limit = self.start_to_close.unwrap_or(ATTEMPT);
        let mut used = Used::default();
        let mut began = 0;
        for attempt in 1.. {
            let answer = answer(seed, self.definition, self.path, self.nth, attempt);
            let after = began + answer.after.min(limit);
            if after >= whole {
                break;
            }
            let (code, status) = match answer.result {
                _ if answer.after >= limit => ("TIMEOUT", "TIMED_OUT"),
                Err(code) => (code, "FAILED"),
                Ok(output) => {
                    return Course {
                        after,
                        status: "COMPLETED",
                        result: Ok(output),
                    };
                }
            };
            let Some(delay) = retry::delay(self.retry_policy, &mut used, code) else {
                let result = Err(code);
                return Course {
                    after,
                    status,
                    result,
                };
            };
            began = after + delay;
            if began >= whole {
                break;
            }
        }
        Course {
            after: whole,
            status: "TIMED_OUT",
            result: Err("TIMEOUT"),
        }
    }
}

/// FNV-1a, and a finish that spreads it.
fn hash(text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let mixed = text.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
    mixed ^ (mixed >> 27)
}
