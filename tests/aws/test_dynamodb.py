"""DynamoDB as boto3 sees it: what users would try, with the errors that AWS gives."""

import uuid
import zlib
from decimal import Decimal

import boto3
import pytest
from botocore.exceptions import ClientError

KEY = {"id": {"S": "1"}}
ITEM = {**KEY, "name": {"S": "one"}, "count": {"N": "1"}}


@pytest.fixture(scope="module")
def table(dynamodb):
    name = f"things-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "name", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-name",
                "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    yield name
    dynamodb.delete_table(TableName=name)


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response


def test_the_service_s_own_tables_are_there(dev):
    dynamodb = dev.client("dynamodb")
    names = dynamodb.list_tables()["TableNames"]
    for variable in ["TASKS", "WORKFLOWS", "DEFINITIONS"]:
        assert dev.environment[f"TASKMILL_{variable}_TABLE"] in names
    described = dynamodb.describe_table(TableName="TaskInstances")["Table"]
    keys = [(key["AttributeName"], key["KeyType"]) for key in described["KeySchema"]]
    assert keys == [("id", "HASH"), ("part", "RANGE")]
    indexes = {index["IndexName"] for index in described["GlobalSecondaryIndexes"]}
    assert {"status-index", "due-index"} <= indexes
    ttl = dynamodb.describe_time_to_live(TableName="TaskInstances")
    assert ttl["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"


def test_items_come_back_as_they_went(dynamodb, table):
    item = {
        **ITEM,
        "bytes": {"B": b"\x00\xff"},
        "numbers": {"NS": ["1", "2.5"]},
        "list": {"L": [{"NULL": True}, {"BOOL": False}, {"M": {"deep": {"S": "ä"}}}]},
        "large": {"N": "12345678901234567890123456789012345678"},
    }
    dynamodb.put_item(TableName=table, Item=item)
    found = dynamodb.get_item(TableName=table, Key=KEY, ConsistentRead=True)["Item"]
    found["numbers"]["NS"].sort()
    assert found == item


def test_the_resource_interface_works(dynamodb, table):
    resource = boto3.resource(
        "dynamodb",
        endpoint_url=dynamodb.meta.endpoint_url,
        region_name=dynamodb.meta.region_name,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    things = resource.Table(table)
    with things.batch_writer() as batch:
        for number in range(30):
            batch.put_item(Item={"id": f"b{number}", "name": "batch", "n": Decimal(number)})
    found = things.query(
        IndexName="by-name",
        KeyConditionExpression=boto3.dynamodb.conditions.Key("name").eq("batch"),
    )
    assert found["Count"] == 30


def test_pages_go_on_where_they_ended(dynamodb, table):
    for number in range(5):
        item = {"id": {"S": f"p{number}"}, "name": {"S": "page"}}
        dynamodb.put_item(TableName=table, Item=item)
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        IndexName="by-name",
        KeyConditionExpression="#n = :n",
        ExpressionAttributeNames={"#n": "name"},
        ExpressionAttributeValues={":n": {"S": "page"}},
        PaginationConfig={"PageSize": 2},
    )
    sizes = [page["Count"] for page in pages]
    assert sum(sizes) == 5 and max(sizes) == 2


def test_capacity_is_told_by_index(dynamodb, table):
    put = dynamodb.put_item(TableName=table, Item=ITEM, ReturnConsumedCapacity="INDEXES")
    assert put["ConsumedCapacity"]["Table"]["CapacityUnits"] == 1.0
    assert "ConsumedCapacity" not in dynamodb.put_item(TableName=table, Item=ITEM)


def test_a_condition_that_fails_shows_the_item_when_asked(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=ITEM)
    error = refused(
        dynamodb.put_item,
        TableName=table,
        Item=ITEM,
        ConditionExpression="attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    assert error["Error"]["Code"] == "ConditionalCheckFailedException"
    assert error["Error"]["Message"] == "The conditional request failed"
    assert error["Item"] == ITEM


def test_a_transaction_says_which_of_its_conditions_failed(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=ITEM)
    error = refused(
        dynamodb.transact_write_items,
        TransactItems=[
            {"Put": {"TableName": table, "Item": {"id": {"S": "t"}}}},
            {
                "ConditionCheck": {
                    "TableName": table,
                    "Key": KEY,
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
        ],
    )
    assert error["Error"]["Code"] == "TransactionCanceledException"
    reasons = [reason["Code"] for reason in error["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"id": {"S": "t"}})


def test_answers_have_an_id_and_their_checksum(dynamodb):
    metadata = dynamodb.list_tables()["ResponseMetadata"]
    assert metadata["RequestId"]
    assert int(metadata["HTTPHeaders"]["x-amz-crc32"]) > 0


REFUSED = [
    ("get_item", {"TableName": "nowhere", "Key": KEY}, "ResourceNotFoundException"),
    ("put_item", {"TableName": "nowhere", "Item": KEY}, "ResourceNotFoundException"),
    ("describe_table", {"TableName": "nowhere"}, "ResourceNotFoundException"),
    ("delete_table", {"TableName": "nowhere"}, "ResourceNotFoundException"),
    ("get_item", {"Key": {"other": {"S": "1"}}}, "ValidationException"),
    ("get_item", {"Key": {"id": {"N": "1"}}}, "ValidationException"),
    ("get_item", {"Key": {}}, "ValidationException"),
    ("put_item", {"Item": {"name": {"S": "no key"}}}, "ValidationException"),
    ("put_item", {"Item": {"id": {"S": ""}}}, "ValidationException"),
    ("put_item", {"Item": {**KEY, "n": {"N": "many"}}}, "ValidationException"),
    ("put_item", {"Item": {**KEY, "s": {"SS": []}}}, "ValidationException"),
    ("put_item", {"Item": {**KEY, "s": {"S": "x" * 409600}}}, "ValidationException"),
    ("put_item", {"Item": {**KEY, "name": {"N": "1"}}}, "ValidationException"),
    ("put_item", {"Item": ITEM, "ConditionExpression": "id ="}, "ValidationException"),
    ("put_item", {"Item": ITEM, "ConditionExpression": "v = :v"}, "ValidationException"),
    (
        "update_item",
        {
            "Key": KEY,
            "UpdateExpression": "SET id = :x",
            "ExpressionAttributeValues": {":x": {"S": "2"}},
        },
        "ValidationException",
    ),
    (
        "query",
        {
            "KeyConditionExpression": "id > :i",
            "ExpressionAttributeValues": {":i": {"S": "1"}},
        },
        "ValidationException",
    ),
    (
        "query",
        {
            "IndexName": "by-nobody",
            "KeyConditionExpression": "id = :i",
            "ExpressionAttributeValues": {":i": {"S": "1"}},
        },
        "ValidationException",
    ),
    (
        "query",
        {
            "IndexName": "by-name",
            "ConsistentRead": True,
            "KeyConditionExpression": "#n = :n",
            "ExpressionAttributeNames": {"#n": "name"},
            "ExpressionAttributeValues": {":n": {"S": "1"}},
        },
        "ValidationException",
    ),
    ("list_backups", {"TableName": None}, "UnknownOperationException"),
]


@pytest.mark.parametrize("operation, arguments, code", REFUSED)
def test_what_aws_refuses_is_refused_with_its_code(dynamodb, table, operation, arguments, code):
    arguments = {"TableName": table, **arguments}
    arguments = {name: value for name, value in arguments.items() if value is not None}
    error = refused(getattr(dynamodb, operation), **arguments)
    assert error["Error"]["Code"] == code, error
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_batches_have_their_limits(dynamodb, table):
    puts = [{"PutRequest": {"Item": {"id": {"S": str(n)}}}} for n in range(26)]
    error = refused(dynamodb.batch_write_item, RequestItems={table: puts})
    assert error["Error"]["Code"] == "ValidationException"
    twice = [puts[0], puts[0]]
    error = refused(dynamodb.batch_write_item, RequestItems={table: twice})
    assert error["Error"]["Code"] == "ValidationException"


def test_a_table_is_created_once(dynamodb, table):
    error = refused(
        dynamodb.create_table,
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    assert error["Error"]["Code"] == "ResourceInUseException"


def test_crc32_is_that_of_the_body(dev):
    import urllib.request

    request = urllib.request.Request(
        dev.environment["AWS_ENDPOINT_URL"],
        data=b"{}",
        headers={"X-Amz-Target": "DynamoDB_20120810.ListTables"},
    )
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
        assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(body)
