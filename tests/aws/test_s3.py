"""S3 as boto3 sees it: as much of it as payloads need."""

import io

import pytest
from botocore.exceptions import ClientError

BUCKET = "payloads"


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response


def test_objects_come_back_as_they_went(s3):
    body = bytes(range(256)) * 1000
    for given in [body, io.BytesIO(body)]:
        put = s3.put_object(Bucket=BUCKET, Key="a/b c+d", Body=given)
        got = s3.get_object(Bucket=BUCKET, Key="a/b c+d")
        assert got["Body"].read() == body and got["ETag"] == put["ETag"]
    assert s3.head_object(Bucket=BUCKET, Key="a/b c+d")["ContentLength"] == len(body)
    s3.delete_object(Bucket=BUCKET, Key="a/b c+d")
    assert refused(s3.get_object, Bucket=BUCKET, Key="a/b c+d")["Error"]["Code"] == "NoSuchKey"
    assert refused(s3.head_object, Bucket=BUCKET, Key="a/b c+d")["Error"]["Code"] == "404"


def test_an_object_may_be_put_only_where_none_is(s3):
    s3.put_object(Bucket=BUCKET, Key="once", Body=b"1", IfNoneMatch="*")
    error = refused(s3.put_object, Bucket=BUCKET, Key="once", Body=b"2", IfNoneMatch="*")
    assert error["Error"]["Code"] == "PreconditionFailed"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert s3.get_object(Bucket=BUCKET, Key="once")["Body"].read() == b"1"


def test_the_rest_is_said_not_to_be_there(s3):
    for error in [
        refused(s3.list_objects_v2, Bucket=BUCKET),
        refused(s3.create_bucket, Bucket="other"),
        refused(s3.list_buckets),
    ]:
        assert error["Error"]["Code"] == "NotImplemented"
