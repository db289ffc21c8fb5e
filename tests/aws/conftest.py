"""The command `taskmill dev` as a fixture, and clients of what it serves."""

import os
import subprocess
import threading
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
# Where the command and the functions are.
BINARIES = Path(os.environ.get("TASKMILL_BINARIES", ROOT / "target/debug"))
READY = "Ctrl-C stops"
PATIENCE_SECONDS = 60


def client(service, url):
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"max_attempts": 1}),
    )


class Dev:
    """A running `taskmill dev`, and the environment that it tells its functions."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [BINARIES / "taskmill", "dev", "--aws-port", "0", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.said = []
        self.ready = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        if not self.ready.wait(PATIENCE_SECONDS) or self.process.poll() is not None:
            self.process.kill()
            raise RuntimeError("taskmill dev does not start: " + "".join(self.said))
        self.environment = {}
        last = "TASKMILL_TOKEN" if "--port" in arguments else "TASKMILL_RETRY_DEAD_LETTERS_URL"
        while last not in self.environment:
            name, value = self.process.stdout.readline().rstrip("\n").split("=", 1)
            self.environment[name] = value

    def _listen(self):
        for line in self.process.stderr:
            self.said.append(line)
            if READY in line:
                self.ready.set()
        self.ready.set()

    def client(self, service):
        return client(service, self.environment["AWS_ENDPOINT_URL"])

    def stop(self):
        """Asks it to stop, and gives its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def dev():
    running = Dev("--no-functions")
    yield running
    assert running.stop() == 130, "".join(running.said)


# Another DynamoDB, such as Amazon's own for one machine: what we say of AWS must hold there too.
OTHER_DYNAMODB = os.environ.get("TASKMILL_TEST_DYNAMODB_URL")


@pytest.fixture(scope="session", params=["ours", "theirs"] if OTHER_DYNAMODB else ["ours"])
def dynamodb(request, dev):
    if request.param == "theirs":
        return client("dynamodb", OTHER_DYNAMODB)
    return dev.client("dynamodb")


@pytest.fixture(scope="session")
def sqs(dev):
    return dev.client("sqs")


@pytest.fixture(scope="session")
def s3(dev):
    return dev.client("s3")
