//! The embedded AWS, as the SDK sees it.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod dead_letters;
mod dynamodb;
mod endpoint;
mod faults;
mod functions;
mod pollers;
mod s3;
mod sqs;
mod sqs_cases;
mod sqs_script;

use taskmill::Timestamp;
use taskmill_aws::clock::Clock;
use taskmill_local::LocalAws;

/// 2026-11-21T21:20:00Z.
const START: Timestamp = Timestamp::from_millis(1_795_296_000_000);

/// An AWS in memory on virtual time.
fn aws() -> LocalAws {
    LocalAws::in_memory(Clock::anchored(START)).unwrap()
}
