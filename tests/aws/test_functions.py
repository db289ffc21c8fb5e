"""The functions as local Lambdas: `cargo lambda watch` and `invoke` on the port of `taskmill dev`."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import BINARIES, ROOT, Dev

EVENTS = ROOT / "tests/events"
DEFINITIONS = EVENTS / "definitions.yaml"
CARGO_LAMBDA = Path(sys.executable).with_name("cargo-lambda")
LOG = ROOT / "target/aws-tests/functions.log"
FUNCTIONS = ["create-task", "execute-task", "process-result", "schedule-retry", "sweep"]
PATIENCE_SECONDS = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Watch:
    """A running `cargo lambda watch`, with the functions that were built before under it."""

    def __init__(self, port, environment):
        self.port = port
        environment = {**os.environ, **environment}
        self.log = open(LOG, "w")
        arguments = ["--only-lambda-apis", "--invoke-address", "127.0.0.1"]
        watch = [CARGO_LAMBDA, "lambda", "watch", *arguments, "--invoke-port", str(port)]
        self.running = [self._start(watch, environment)]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._listens():
            if self.running[0].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"cargo lambda watch does not start: {LOG.read_text()}")
            time.sleep(0.1)
        for function in FUNCTIONS:
            lambda_s = {
                "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt/{function}",
                "AWS_LAMBDA_FUNCTION_NAME": function,
                "AWS_LAMBDA_FUNCTION_VERSION": "1",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            }
            self.running.append(self._start([BINARIES / function], {**environment, **lambda_s}))

    def _start(self, command, environment):
        return subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT, cwd=ROOT
        )

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def invoke(self, function, event):
        """What a function answers to the event of a file."""
        done = subprocess.run(
            [
                CARGO_LAMBDA, "lambda", "invoke", function,
                "--invoke-address", "127.0.0.1", "--invoke-port", str(self.port),
                "--data-file", EVENTS / event, "--output-format", "json",
            ],  # fmt: skip
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr + LOG.read_text()
        return json.loads(done.stdout)

    def stop(self):
        for process in reversed(self.running):
            process.terminate()
            process.wait(PATIENCE_SECONDS)
        self.log.close()


@pytest.fixture
def by_hand():
    dev = Dev(DEFINITIONS, "--no-functions")
    watch = Watch(free_port(), dev.environment)
    yield dev, watch
    watch.stop()
    dev.stop()


@pytest.fixture
def by_event_sources():
    port = free_port()
    dev = Dev(DEFINITIONS, "--lambda-url", f"http://127.0.0.1:{port}")
    watch = Watch(port, dev.environment)
    yield dev, watch
    watch.stop()
    dev.stop()


def test_each_function_takes_its_event(by_hand):
    dev, watch = by_hand
    sqs = dev.client("sqs")

    def message(queue):
        url = dev.environment[f"TASKMILL_{queue}_QUEUE_URL"]
        received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, VisibilityTimeout=0)
        return json.loads(received["Messages"][0]["Body"])

    def event(name):
        return json.loads((EVENTS / name).read_text())["Records"][0]

    well = {"batchItemFailures": []}
    started = watch.invoke("create-task", "create-task.json")
    assert started["status"] == "RUNNING", started
    assert json.loads(event("execute-task.json")["body"]) == message("EXECUTE")
    assert watch.invoke("execute-task", "execute-task.json") == well
    sent, left = json.loads(event("process-result.json")["body"]), message("RESULT")
    assert {**sent, "report": None} == {**left, "report": None}
    assert watch.invoke("process-result", "process-result.json") == well
    again = watch.invoke("create-task", "create-task.json")
    assert (again["id"], again["status"]) == (started["id"], "COMPLETED")
    assert watch.invoke("schedule-retry", "schedule-retry.json") == well
    assert watch.invoke("sweep", "sweep.json") == {"lookedAt": 0, "promised": 0, "oldestDue": 0}


def test_event_sources_take_a_workflow_through_the_functions(by_event_sources):
    dev, watch = by_event_sources
    deadline = time.monotonic() + PATIENCE_SECONDS
    status = None
    while status != "COMPLETED" and time.monotonic() < deadline:
        answer = watch.invoke("create-task", "create-task.json")
        status = answer["status"]
        assert status in ("RUNNING", "COMPLETED"), answer
    assert status == "COMPLETED"
    sqs = dev.client("sqs")
    for name, url in dev.environment.items():
        if name.endswith("DEAD_LETTERS_URL"):
            assert "Messages" not in sqs.receive_message(QueueUrl=url), name
