"""SQS as boto3 sees it: what users would try, with the errors that AWS gives.

boto3 checks the digests of bodies and attributes by itself.
"""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response


@pytest.fixture
def queue(sqs):
    name = f"q-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def fifo(sqs):
    name = f"q-{uuid.uuid4().hex[:8]}.fifo"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def test_the_service_s_own_queues_are_there(sqs, dev):
    urls = set(sqs.list_queues()["QueueUrls"])
    own = {value for name, value in dev.environment.items() if name.endswith("_URL")}
    own.discard(dev.environment["AWS_ENDPOINT_URL"])
    assert len(own) == 10 and own <= urls
    url = dev.environment["TASKMILL_RESULT_QUEUE_URL"]
    assert url.startswith(dev.environment["AWS_ENDPOINT_URL"] + "/")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["FifoQueue"] == "true"
    assert json.loads(found["RedrivePolicy"])["maxReceiveCount"]


def test_a_queue_is_found_by_its_name_and_made_once(sqs, queue):
    name = queue.rsplit("/", 1)[1]
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == queue
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == queue
    error = refused(sqs.create_queue, QueueName=name, Attributes={"DelaySeconds": "7"})
    assert error["Error"]["Code"] == "QueueAlreadyExists"


def test_a_message_goes_through(sqs, queue):
    attributes = {
        "text": {"DataType": "String", "StringValue": "ä"},
        "number": {"DataType": "Number.int", "StringValue": "7"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody="one", MessageAttributes=attributes)
    received = sqs.receive_message(
        QueueUrl=queue,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
        WaitTimeSeconds=1,
    )["Messages"]
    assert [message["MessageId"] for message in received] == [sent["MessageId"]]
    assert received[0]["Body"] == "one"
    assert received[0]["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x00\xff"
    assert received[0]["Attributes"]["ApproximateReceiveCount"] == "1"
    handle = received[0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    again = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again[0]["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_batch_is_answered_by_entry(sqs, queue):
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(9)]
    entries.append({"Id": "bad", "MessageBody": "\x01"})
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert len(sent["Successful"]) == 9
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in sent["Failed"]] == [
        ("bad", "InvalidMessageContents", True)
    ]
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    handles = [
        {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
        for n, message in enumerate(received)
    ]
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=handles)
    assert len(deleted["Successful"]) == 9 and not deleted.get("Failed")


def test_groups_keep_their_order(sqs, fifo):
    for number in range(3):
        sent = sqs.send_message(
            QueueUrl=fifo,
            MessageBody=str(number),
            MessageGroupId="g",
            MessageDeduplicationId=str(number),
        )
        assert sent["SequenceNumber"]
    again = sqs.send_message(
        QueueUrl=fifo, MessageBody="2", MessageGroupId="g", MessageDeduplicationId="2"
    )
    assert again["MessageId"] == sent["MessageId"]
    first = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=1)["Messages"]
    assert [message["Body"] for message in first] == ["0"]
    assert "Messages" not in sqs.receive_message(QueueUrl=fifo)
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])
    rest = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in rest] == ["1", "2"]


def test_what_is_received_too_often_is_a_dead_letter(sqs, queue):
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    policy = {
        "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
        "maxReceiveCount": "1",
    }
    source = sqs.create_queue(
        QueueName=f"s-{uuid.uuid4().hex[:8]}",
        Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"},
    )["QueueUrl"]
    sqs.send_message(QueueUrl=source, MessageBody="poison")
    assert len(sqs.receive_message(QueueUrl=source)["Messages"]) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=source)
    dead = sqs.receive_message(QueueUrl=queue, MessageSystemAttributeNames=["All"])["Messages"]
    assert dead[0]["Body"] == "poison"
    assert dead[0]["Attributes"]["DeadLetterQueueSourceArn"].endswith(source.rsplit("/", 1)[1])
    sqs.delete_queue(QueueUrl=source)


def test_an_unknown_queue_has_its_own_exception(sqs, dev):
    url = dev.environment["AWS_ENDPOINT_URL"] + "/000000000000/nowhere"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.send_message(QueueUrl=url, MessageBody="one")
    assert caught.value.response["Error"]["Code"] == NO_QUEUE


REFUSED = [
    ("send_message", {"MessageBody": ""}, "MissingParameter"),
    ("send_message", {"MessageBody": "\x0b"}, "InvalidMessageContents"),
    ("send_message", {"MessageBody": "x" * 1048577}, "InvalidParameterValue"),
    ("send_message", {"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
    (
        "send_message",
        {"MessageBody": "x", "MessageDeduplicationId": "d"},
        "InvalidParameterValue",
    ),
    (
        "send_message",
        {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Odd"}}},
        "InvalidParameterValue",
    ),
    ("receive_message", {"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
    ("receive_message", {"WaitTimeSeconds": 21}, "InvalidParameterValue"),
    ("receive_message", {"VisibilityTimeout": 43201}, "InvalidParameterValue"),
    ("delete_message", {"ReceiptHandle": "broken"}, "ReceiptHandleIsInvalid"),
    (
        "change_message_visibility",
        {"ReceiptHandle": "broken", "VisibilityTimeout": 1},
        "ReceiptHandleIsInvalid",
    ),
    (
        "send_message_batch",
        {"Entries": [{"Id": "a", "MessageBody": "1"}, {"Id": "a", "MessageBody": "2"}]},
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    ),
    (
        "send_message_batch",
        {"Entries": [{"Id": f"{n}", "MessageBody": "1"} for n in range(11)]},
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    ),
    (
        "send_message_batch",
        {"Entries": [{"Id": "a.b", "MessageBody": "1"}]},
        "AWS.SimpleQueueService.InvalidBatchEntryId",
    ),
    ("send_message_batch", {"Entries": []}, "AWS.SimpleQueueService.EmptyBatchRequest"),
    ("set_queue_attributes", {"Attributes": {"Colour": "red"}}, "InvalidAttributeName"),
    (
        "set_queue_attributes",
        {"Attributes": {"VisibilityTimeout": "-1"}},
        "InvalidAttributeValue",
    ),
    ("tag_queue", {"Tags": {"a": "b"}}, "AWS.SimpleQueueService.UnsupportedOperation"),
]


@pytest.mark.parametrize("operation, arguments, code", REFUSED)
def test_what_aws_refuses_is_refused_with_its_code(sqs, queue, operation, arguments, code):
    error = refused(getattr(sqs, operation), QueueUrl=queue, **arguments)
    assert error["Error"]["Code"] == code, error
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


FIFO_REFUSED = [
    ({"MessageGroupId": "g"}, "InvalidParameterValue"),
    ({"MessageDeduplicationId": "d"}, "MissingParameter"),
    (
        {"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 5},
        "InvalidParameterValue",
    ),
]


@pytest.mark.parametrize("arguments, code", FIFO_REFUSED)
def test_a_fifo_queue_asks_for_more(sqs, fifo, arguments, code):
    error = refused(sqs.send_message, QueueUrl=fifo, MessageBody="one", **arguments)
    assert error["Error"]["Code"] == code, error


def test_a_name_has_its_form(sqs):
    for name, attributes in [("a b", {}), ("x" * 81, {}), ("q.fifo", {}), ("q", {"FifoQueue": "true"})]:
        error = refused(sqs.create_queue, QueueName=name, Attributes=attributes)
        assert error["Error"]["Code"] == "InvalidParameterValue", name


def test_a_purge_is_done_once_a_minute(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="one")
    sqs.purge_queue(QueueUrl=queue)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    error = refused(sqs.purge_queue, QueueUrl=queue)
    assert error["Error"]["Code"] == "AWS.SimpleQueueService.PurgeQueueInProgress"
