"""The workers of examples/workers at the port of `taskmill dev`: they do their work, keep it by signs
of life, and are followed by another when one is killed in its middle."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest

from conftest import BINARIES, PATIENCE_SECONDS, ROOT, Dev

EXAMPLE = ROOT / "examples/workers"
TSC = ROOT / "target/aws-tests/node/node_modules/.bin/tsc"


class Service:
    """The example at a port, and a caller of it who may work."""

    def __init__(self, data):
        self.dev = Dev(EXAMPLE, "--port", "0", "--data", data)
        token = [BINARIES / "taskmill", "token", "--data", data, "--user", "machine"]
        token += ["--permission", "taskmill:work:words"]
        token = subprocess.run(token, check=True, capture_output=True, text=True).stdout.strip()
        url = self.dev.environment["TASKMILL_API_URL"]
        self.environment = {"TASKMILL_API_URL": url, "TASKMILL_TOKEN": token}

    def ask(self, path, body=None, **headers):
        request = urllib.request.Request(
            self.environment["TASKMILL_API_URL"] + path,
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": "Bearer " + self.environment["TASKMILL_TOKEN"],
                "Content-Type": "application/json",
                **headers,
            },
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)

    def count(self, text):
        task = {"taskDefinitionId": "count-words", "input": {"text": text}}
        return self.ask("/v1/tasks", task)["id"]

    def until(self, task, *statuses):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.ask(f"/v1/tasks/{task}")
            if found["status"] in statuses:
                return found
            time.sleep(0.1)
        raise AssertionError(f"the task is {found['status']}: {found}")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("workers"))
    yield running
    assert running.dev.stop() == 130, "".join(running.dev.said)


@pytest.fixture(scope="module", params=["python", "typescript"])
def program(request, tmp_path_factory):
    if request.param == "python":
        return [sys.executable, EXAMPLE / "python/worker.py"]
    out = tmp_path_factory.mktemp("typescript")
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    source = EXAMPLE / "typescript/worker.mts"
    subprocess.run([TSC, *options, "--outDir", out, source], check=True)
    return ["node", out / "worker.mjs"]


@contextmanager
def working(service, program, seconds_a_word=0):
    environment = {**os.environ, **service.environment, "SECONDS_A_WORD": str(seconds_a_word)}
    worker = subprocess.Popen(program, env=environment)
    try:
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(PATIENCE_SECONDS)
        finally:
            worker.kill()


def test_they_are_short():
    for source in [EXAMPLE / "python/worker.py", EXAMPLE / "typescript/worker.mts"]:
        assert len(source.read_text().splitlines()) < 60, source


def test_a_workflow_is_done_by_workers(service, program):
    with working(service, program), working(service, program):
        texts = json.loads((EXAMPLE / "input.json").read_text())
        request = {"workflowDefinitionId": "count-texts", "input": texts}
        workflow = service.ask("/v1/workflows", request, Prefer="wait=20")
        assert workflow["status"] == "COMPLETED", workflow
        assert workflow["output"] == {"words": 9}


def test_a_long_task_is_kept_by_signs_of_life(service, program):
    task = service.count("one two three")
    with working(service, program, seconds_a_word=2):
        done = service.until(task, "COMPLETED", "FAILED", "TIMED_OUT")
        assert (done["status"], done["attempt"]) == ("COMPLETED", 1)
        assert done["output"]["words"] == 3


def test_a_worker_that_is_killed_is_followed_by_another(service, program):
    task = service.count("one two three")
    with working(service, program, seconds_a_word=600) as dying:
        first = service.until(task, "RUNNING")
        dying.kill()
    with working(service, program):
        done = service.until(task, "COMPLETED", "FAILED", "TIMED_OUT")
    assert done["status"] == "COMPLETED", done
    assert done["attempts"][0]["error"]["details"]["kind"] == "HEARTBEAT"
    assert done["attempts"][0]["executorId"] == first["executorId"] != done["executorId"]


def test_a_worker_that_is_asked_to_stop_ends_what_it_has(service, program):
    task = service.count("one two")
    with working(service, program, seconds_a_word=1) as worker:
        service.until(task, "RUNNING")
        worker.terminate()
        assert worker.wait(PATIENCE_SECONDS) == 0
    assert service.until(task, "COMPLETED")["attempt"] == 1
