//! What Taskmill relies on in SQS, as scripts that say nothing about who answers them.
//!
//! A line is a request and, after `->`, what it must answer. `sqs_script` runs them against any
//! client. What takes time is marked: an emulator on the wall clock cannot run it in a test.
//!
//! - `create QUEUE [Attribute=value]… [redrive=QUEUE:count]`
//! - `send QUEUE BODY [delay=s] [due=ms] [group=…] [dedup=…] [attr:name=value] [size=bytes]`
//! - `send-batch QUEUE id=body…`, `delete-batch QUEUE message…`: ids that succeeded, `id!code`
//! - `receive QUEUE [max=…] [visibility=s] [wait=s]`: `body*count` of each message
//! - `delete QUEUE MESSAGE`, `visibility QUEUE MESSAGE s`: a message is its body, as last received,
//!   or `body@count`, as received that time
//! - `counts QUEUE`: visible, in flight, delayed; `attribute QUEUE NAME`; `purge QUEUE`; `url QUEUE`
//! - `wait ms`; `elapsed`: milliseconds since the script began
//!
//! `!code` is an error's code.

/// What a script needs of the service that runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it ends at once.
    Nothing,
    /// A clock that the test moves.
    VirtualTime,
}

/// One script.
#[derive(Debug)]
pub struct Case {
    pub name: &'static str,
    pub needs: Needs,
    pub script: &'static str,
}

const fn case(name: &'static str, script: &'static str) -> Case {
    let needs = Needs::Nothing;
    Case {
        name,
        needs,
        script,
    }
}

const fn timed(name: &'static str, script: &'static str) -> Case {
    let needs = Needs::VirtualTime;
    Case {
        name,
        needs,
        script,
    }
}

pub const CASES: &[Case] = &[
    case(
        "a message goes through once",
        "create q
         send q one attr:kind=outcome
         counts q -> 1 0 0
         receive q -> one*1
         receive q ->
         counts q -> 0 1 0
         delete q one
         counts q -> 0 0 0
         delete q one",
    ),
    case(
        "an unknown queue has a code",
        "send nowhere one -> !AWS.SimpleQueueService.NonExistentQueue
         receive nowhere -> !AWS.SimpleQueueService.NonExistentQueue
         url nowhere -> !AWS.SimpleQueueService.NonExistentQueue
         create q
         url q",
    ),
    case(
        "a queue is created again with the same attributes alone",
        "create q VisibilityTimeout=40
         create q VisibilityTimeout=40
         create q
         create q VisibilityTimeout=41 -> !QueueAlreadyExists
         create q2 VisibilityTimeout=43201 -> !InvalidAttributeValue
         create q2 Colour=red -> !InvalidAttributeName
         create q.fifo -> !InvalidParameterValue
         attribute q VisibilityTimeout -> 40",
    ),
    case(
        "a receive takes ten at most",
        "create q
         send-batch q a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 -> a b c d e f g h i j
         send q 11
         receive q max=11 -> !InvalidParameterValue
         receive q max=0 -> !InvalidParameterValue
         receive q max=10 visibility=0 -> 1*1 10*1 2*1 3*1 4*1 5*1 6*1 7*1 8*1 9*1
         counts q -> 11 0 0",
    ),
    case(
        "a batch is refused as a whole",
        "create q
         send-batch q -> !AWS.SimpleQueueService.EmptyBatchRequest
         send-batch q a=1 a=2 -> !AWS.SimpleQueueService.BatchEntryIdsNotDistinct
         send-batch q a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 -> !AWS.SimpleQueueService.TooManyEntriesInBatchRequest
         send-batch q a.b=1 -> !AWS.SimpleQueueService.InvalidBatchEntryId
         send-batch q a=x*600000 b=x*448577 -> !AWS.SimpleQueueService.BatchRequestTooLong
         counts q -> 0 0 0
         send-batch q a=x*600000 b=x*448576 -> a b",
    ),
    case(
        "an entry of a batch fails alone",
        "create q
         create q.fifo FifoQueue=true
         send-batch q a=one b=\u{1} -> a b!InvalidMessageContents
         send-batch q.fifo a=one -> a!MissingParameter
         receive q -> one*1
         delete-batch q one broken -> 0 1!ReceiptHandleIsInvalid",
    ),
    case(
        "a message has limits",
        "create q
         create small MaximumMessageSize=1024
         send q big size=1048576
         send q big size=1048577 -> !InvalidParameterValue
         send small big size=1024
         send small big size=1025 -> !InvalidParameterValue
         send small big size=1010 attr:kind=outcome -> !InvalidParameterValue
         send q \u{b} -> !InvalidMessageContents
         send q empty size=0 -> !MissingParameter
         send q one delay=901 -> !InvalidParameterValue
         send q one delay=-1 -> !InvalidParameterValue
         send q one dedup=d -> !InvalidParameterValue
         send q one group=tenant
         receive q max=1 wait=21 -> !InvalidParameterValue",
    ),
    timed(
        "a delay is waited for",
        "create q
         send q late delay=900
         counts q -> 0 0 1
         wait 899999
         receive q ->
         wait 1
         receive q -> late*1
         elapsed -> 900000",
    ),
    timed(
        "a queue's own delay is a message's default",
        "create q DelaySeconds=5
         send q late
         send q soon delay=1
         receive q wait=20 -> soon*1
         elapsed -> 1000
         receive q wait=20 -> late*1
         elapsed -> 5000",
    ),
    timed(
        "a long poll ends after its wait",
        "create q ReceiveMessageWaitTimeSeconds=3
         receive q wait=20 ->
         elapsed -> 20000
         receive q ->
         elapsed -> 23000
         receive q wait=0 ->
         elapsed -> 23000",
    ),
    timed(
        "a message is hidden while it is in flight",
        "create q VisibilityTimeout=30
         send q one
         receive q -> one*1
         wait 29999
         receive q ->
         wait 1
         receive q visibility=5 -> one*2
         receive q wait=20 -> one*3
         elapsed -> 35000",
    ),
    timed(
        "visibility is changed by who holds the message",
        "create q
         send q one
         receive q -> one*1
         visibility q one 100
         wait 99999
         receive q ->
         visibility q one 0
         visibility q one 5 -> !AWS.SimpleQueueService.MessageNotInflight
         receive q -> one*2
         visibility q one@1 5 -> !InvalidParameterValue
         visibility q broken 5 -> !ReceiptHandleIsInvalid
         visibility q one 43201 -> !InvalidParameterValue
         delete q one
         visibility q one 5 -> !InvalidParameterValue",
    ),
    timed(
        "a message is held for twelve hours at most",
        "create q
         send q one
         receive q -> one*1
         visibility q one 43200
         wait 1000
         visibility q one 43200 -> !InvalidParameterValue
         visibility q one 43199
         wait 43199000
         receive q -> one*2",
    ),
    timed(
        "an old receipt of a standard queue deletes nothing and is no error",
        "create q VisibilityTimeout=1
         send q one
         receive q -> one*1
         wait 1000
         receive q -> one*2
         delete q one@1
         counts q -> 0 1 0
         wait 1000
         delete q one
         counts q -> 0 0 0",
    ),
    timed(
        "a message that is received too often is given up",
        "create dlq
         create q VisibilityTimeout=1 redrive=dlq:2
         send q poison
         receive q -> poison*1
         wait 1000
         receive q -> poison*2
         wait 1000
         receive q ->
         counts q -> 0 0 0
         counts dlq -> 1 0 0
         receive dlq -> poison*3",
    ),
    case(
        "a redrive policy names a queue of its own kind",
        "create dlq
         create q redrive=nowhere:2 -> !InvalidParameterValue
         create q redrive=dlq:0 -> !InvalidParameterValue
         create q.fifo FifoQueue=true redrive=dlq:2 -> !InvalidParameterValue
         create q redrive=dlq:1000",
    ),
    timed(
        "messages are kept for the retention period",
        "create q MessageRetentionPeriod=60
         send q one
         wait 59999
         counts q -> 1 0 0
         wait 1
         counts q -> 0 0 0",
    ),
    timed(
        "a purge takes everything and is done once a minute",
        "create q
         send q one
         send q two delay=10
         receive q -> one*1
         send q three
         purge q
         counts q -> 0 0 0
         purge q -> !AWS.SimpleQueueService.PurgeQueueInProgress
         wait 60000
         receive q ->
         purge q",
    ),
    case(
        "a group is locked while one of its messages is in flight",
        "create q.fifo FifoQueue=true
         send q.fifo a1 group=a dedup=1
         send q.fifo a2 group=a dedup=2
         send q.fifo b1 group=b dedup=3
         receive q.fifo max=1 -> a1*1
         receive q.fifo max=10 -> b1*1
         receive q.fifo max=10 ->
         delete q.fifo a1
         receive q.fifo max=10 -> a2*1",
    ),
    case(
        "a batch takes as much of a group as it can, in order",
        "create q.fifo FifoQueue=true
         send q.fifo a1 group=a dedup=1
         send q.fifo b1 group=b dedup=2
         send q.fifo a2 group=a dedup=3
         send q.fifo a3 group=a dedup=4
         receive q.fifo max=3 -> a1*1 a2*1 a3*1
         delete q.fifo a1
         delete q.fifo a3
         send q.fifo a4 group=a dedup=5
         receive q.fifo max=10 -> b1*1
         delete q.fifo a2
         receive q.fifo max=10 -> a4*1",
    ),
    timed(
        "a failed message comes before what follows it in its group",
        "create q.fifo FifoQueue=true VisibilityTimeout=10
         send q.fifo a1 group=a dedup=1
         send q.fifo a2 group=a dedup=2
         receive q.fifo max=1 -> a1*1
         visibility q.fifo a1 3
         wait 2999
         receive q.fifo max=10 ->
         wait 1
         receive q.fifo max=10 -> a1*2 a2*1
         visibility q.fifo a1 0
         receive q.fifo max=10 ->
         wait 10000
         receive q.fifo max=10 -> a1*3 a2*2",
    ),
    timed(
        "a receipt of a FIFO queue runs out with its visibility",
        "create q.fifo FifoQueue=true VisibilityTimeout=1
         send q.fifo a1 group=a dedup=1
         receive q.fifo -> a1*1
         wait 1000
         delete q.fifo a1 -> !InvalidParameterValue
         receive q.fifo -> a1*2
         delete q.fifo a1@1 -> !InvalidParameterValue
         delete q.fifo a1
         delete q.fifo a1
         counts q.fifo -> 0 0 0",
    ),
    timed(
        "a repeat within five minutes is answered and not queued",
        "create q.fifo FifoQueue=true
         send q.fifo one group=a dedup=1
         send q.fifo two group=b dedup=1
         receive q.fifo max=10 -> one*1
         delete q.fifo one
         wait 299999
         send q.fifo one group=a dedup=1
         receive q.fifo ->
         wait 1
         send q.fifo one group=a dedup=1
         receive q.fifo -> one*1",
    ),
    case(
        "deduplication may be by group",
        "create q.fifo FifoQueue=true DeduplicationScope=messageGroup FifoThroughputLimit=perMessageGroupId
         send q.fifo one group=a dedup=1
         send q.fifo two group=b dedup=1
         send q.fifo three group=b dedup=1
         receive q.fifo max=10 -> one*1 two*1",
    ),
    case(
        "deduplication may be by content",
        "create q.fifo FifoQueue=true ContentBasedDeduplication=true
         send q.fifo one group=a
         send q.fifo one group=b
         send q.fifo one group=a dedup=own
         receive q.fifo max=10 -> one*1 one*1",
    ),
    case(
        "a FIFO queue asks for a group and an id, and takes no delay of a message's own",
        "create q.fifo FifoQueue=true
         send q.fifo one dedup=1 -> !MissingParameter
         send q.fifo one group=a -> !InvalidParameterValue
         send q.fifo one group=a dedup=1 delay=1 -> !InvalidParameterValue
         counts q.fifo -> 0 0 0",
    ),
    timed(
        "a FIFO message that is given up lets its group go on",
        "create dlq.fifo FifoQueue=true
         create q.fifo FifoQueue=true VisibilityTimeout=1 redrive=dlq.fifo:1
         send q.fifo a1 group=a dedup=1
         send q.fifo a2 group=a dedup=2
         receive q.fifo max=1 -> a1*1
         wait 1000
         receive q.fifo max=10 -> a2*1
         receive dlq.fifo -> a1*2",
    ),
    timed(
        "a FIFO queue's own delay holds for all",
        "create q.fifo FifoQueue=true DelaySeconds=2
         send q.fifo a1 group=a dedup=1
         wait 1000
         send q.fifo a2 group=a dedup=2
         wait 1000
         receive q.fifo max=10 -> a1*1
         delete q.fifo a1
         receive q.fifo max=10 ->
         wait 1000
         receive q.fifo max=10 -> a2*1",
    ),
];

/// What this service adds to SQS: a due time to the millisecond.
pub const OWN_CASES: &[Case] = &[
    timed(
        "a due time is kept to the millisecond",
        "create q
         send q exact delay=2 due=1234
         wait 1233
         receive q ->
         wait 1
         receive q -> exact*1",
    ),
    timed(
        "a due time reaches as far as a delay may",
        "create q
         send q far due=2000000
         send q past due=-5 delay=9
         receive q -> past*1
         delete q past
         wait 899999
         receive q ->
         wait 1
         receive q -> far*1",
    ),
    timed(
        "a FIFO queue knows no due time",
        "create q.fifo FifoQueue=true
         send q.fifo one group=a dedup=1 due=5000
         receive q.fifo -> one*1",
    ),
];
