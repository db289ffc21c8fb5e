//! AWS's list prices, in US dollars, us-east-1, without free tier and discounts; and what is
//! assumed where a count must be turned into time.
//!
//! They are those of AWS's pages dynamodb/pricing/on-demand, sqs/pricing, lambda/pricing and
//! s3/pricing.

/// A DynamoDB write request unit, on demand (since November 2024).
pub const WRITE_UNIT: f64 = 0.625 / MILLION;
/// A DynamoDB read request unit, on demand.
pub const READ_UNIT: f64 = 0.125 / MILLION;
/// A request to a standard queue.
pub const SQS_STANDARD: f64 = 0.40 / MILLION;
/// A request to a FIFO queue.
pub const SQS_FIFO: f64 = 0.50 / MILLION;
/// An invocation of a function.
pub const INVOCATION: f64 = 0.20 / MILLION;
/// A GiB-second of a function on x86.
pub const GIB_SECOND: f64 = 0.000_016_666_7;
/// A PUT of an object.
pub const S3_PUT: f64 = 5.0 / MILLION;
/// A GET of an object.
pub const S3_GET: f64 = 0.40 / MILLION;

/// What an invocation is taken to last, in seconds: assumed, not measured here. It is a few calls
/// of DynamoDB and SQS; the work of a task that the function waits for comes on top.
pub const INVOCATION_SECONDS: f64 = 0.030;
/// The memory of a function in GiB: assumed.
pub const INVOCATION_GIB: f64 = 0.25;

/// What an invocation is taken to cost, its time included.
#[must_use]
pub fn an_invocation() -> f64 {
    INVOCATION + GIB_SECOND * INVOCATION_SECONDS * INVOCATION_GIB
}

const MILLION: f64 = 1_000_000.0;
