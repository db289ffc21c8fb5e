//! What the tasks of generated workflows answer: a function of the task's place and attempt, so
//! that the interpreter and the engine are answered alike, whoever asks first.

use serde_json::{Value, json};

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
        "maybe" => (drawn >> 20) % 2 == 0,
        _ => true,
    };
    let code = CODES[(drawn >> 32) as usize % CODES.len()];
    let output = json!({ "n": (drawn >> 40) % 10 });
    Answer {
        after,
        result: if fails { Err(code) } else { Ok(output) },
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
