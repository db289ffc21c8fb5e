#!/usr/bin/env python3
"""Runs workflow tests on exported state machines, in somebody else's Step Functions.

Each file is a workflow test as `taskmill test` runs it. Its workflow is exported, the state
machine is started in the emulator with the input of each case, and what the case expects of
Taskmill is expected of it: status, output and the code of the error. A function in the emulator
stands for create-task: it hands every request to this program, which answers the task token with
what the case says.

Usage: run.py TASKMILL CASES [--language DIR] [--machines DIR]

With --language the workflow tests of another folder are tried as well. There, what cannot be
exported, and what a case asks that has no counterpart, is counted and left out. With --machines
the state machines of CASES are kept there.
"""

import argparse
import base64
import collections
import concurrent.futures
import http.server
import io
import itertools
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zipfile

import jsonata
import yaml

ACCOUNT = "000000000000"
REGION = "us-east-1"
FUNCTION = "create-task"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
# Waits and delays of the emulator last this share of what they should.
WAIT_SCALE = "0.02"
# Long enough for every case; an execution that is not over by then hangs.
PATIENCE_SECONDS = 30
# Files that are run at once.
AT_ONCE = 6
# Workflow tests of the language that mean something else here, and why.
ELSEWHERE = {
    "conditions-errors": "a Choice cannot be caught",
    "expressions": "time passes faster in the emulator",
    "loop-long": "hundreds of turns take the emulator too long",
    "map-percentage": "a Pass whose expression fails cannot be caught",
    "output": "schemas of workflows are not checked",
    "output-task-schema": "the stand-in for create-task checks no schema",
    "sub-workflow": "schemas of workflows are not checked",
    "sub-workflow-versions": "a state machine has no range of versions",
    "wait": "the waits are too long, even at this scale",
    "wait-until": "the waits are too long, even at this scale",
    "wait-values": "the waits are too long, even at this scale",
}
HANDLER = """
import json, os, urllib.request

def handler(event, context):
    body = json.dumps(event).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["ANSWERS"], body)).read()
"""


class Emulator:
    """The emulator, on a port of its own."""

    def __init__(self, folder):
        self.port = free_port()
        self.log = open(pathlib.Path(folder) / "emulator.log", "wb")
        environment = os.environ | {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "SFN_WAIT_SCALE": WAIT_SCALE,
            "LAMBDA_EXECUTOR": "local",
        }
        command = [pathlib.Path(sys.executable).parent / "ministack"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        self.wait_until_up()

    def wait_until_up(self):
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit(f"the emulator has ended, see {self.log.name}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("the emulator does not come up")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def request(self, method, path, service, body, headers):
        credential = f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"Authorization": credential} | headers,
            method=method,
        )
        try:
            with urllib.request.urlopen(request) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()}") from error

    def states(self, action, **body):
        headers = {
            "X-Amz-Target": f"AWSStepFunctions.{action}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        return self.request("POST", "/", "states", body, headers)

    def create_function(self, answers):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", HANDLER)
        body = {
            "FunctionName": FUNCTION,
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Role": ROLE,
            "Timeout": 30,
            "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
            "Environment": {"Variables": {"ANSWERS": answers}},
        }
        headers = {"Content-Type": "application/json"}
        self.request("POST", "/2015-03-31/functions", "lambda", body, headers)


class Answers:
    """Answers task tokens with what the cases say, by the execution that asks."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.lock = threading.Lock()
        self.tables = {}
        self.asked = collections.Counter()
        self.unanswered = {}
        handler = type("Handler", (http.server.BaseHTTPRequestHandler,), {
            "do_POST": lambda request: self.serve(request),
            "log_message": lambda *_: None,
        })
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}/"

    def serve(self, request):
        event = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        request.send_response(200)
        request.end_headers()
        request.wfile.write(b"{}")
        threading.Thread(target=self.answer, args=(event,), daemon=True).start()

    def answer(self, event):
        asked = event["createTask"]
        task, token = asked["taskDefinitionId"], asked["taskToken"]
        execution = asked["correlationId"]
        # A nested execution is answered by the table of its parent's file.
        file = execution.split(":")[6].split("-")[0]
        with self.lock:
            table = self.tables.get(execution) or self.tables.get(file, {})
            self.asked[execution, task] += 1
            attempt = self.asked[execution, task]
        answer = table.get(task)
        if isinstance(answer, list):
            answer = answer[min(attempt, len(answer)) - 1]
        if answer is None:
            self.unanswered[execution] = task
            answer = {"fail": {"code": "UNANSWERED", "message": task}}
        if "fail" in answer:
            fail = answer["fail"]
            cause = {"code": fail["code"], "message": fail.get("message", ""), "details": fail.get("details", {})}
            self.emulator.states(
                "SendTaskFailure", taskToken=token, error=fail["code"], cause=json.dumps(cause)
            )
            return
        output = answer.get("succeed")
        if "expression" in answer:
            names = {"input": asked["input"], "attempt": attempt}
            output = jsonata.Jsonata.jsonata(answer["expression"]).evaluate(names)
        self.emulator.states("SendTaskSuccess", taskToken=token, output=json.dumps(output))


class Refused(Exception):
    """What cannot be run here, and why."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Loader(yaml.SafeLoader):
    """YAML 1.2: neither `no` nor a date is anything but a text."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


BOOLEAN = re.compile("^(true|True|TRUE|false|False|FALSE)$")
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", BOOLEAN, list("tTfF"))


def documents(file):
    return [one for one in yaml.load_all(file.read_text(), Loader) if one]


def definitions_of(test, file):
    """The workflow of a test, and everything beside it."""
    workflow = test["workflow"]
    others = []
    if isinstance(workflow, str):
        found = documents(file.parent / workflow)
        workflow = next(one for one in found if "steps" in one)
        others += [one for one in found if one is not workflow]
    listed = test.get("definitions")
    if listed is None and isinstance(test["workflow"], str):
        listed = [one.name for one in file.parent.glob("*.yaml") if not one.name.endswith(".test.yaml")]
    for one in listed or []:
        others += documents(file.parent / one) if isinstance(one, str) else [one]
    same = (workflow["id"], workflow["version"])
    return workflow, [one for one in others if (one.get("id"), one.get("version")) != same]


def tasks_named(value):
    """The tasks that steps name, as often as they do."""
    if isinstance(value, dict):
        named = [value["taskDefinitionId"]] if "taskDefinitionId" in value else []
        return named + [name for inner in value.values() for name in tasks_named(inner)]
    if isinstance(value, list):
        return [name for inner in value for name in tasks_named(inner)]
    return []


def without_jitter(value):
    if isinstance(value, dict):
        value = {name: without_jitter(inner) for name, inner in value.items()}
        if "maxRetries" in value and "errorCodes" not in value:
            value["jitter"] = "NONE"
        return value
    if isinstance(value, list):
        return [without_jitter(inner) for inner in value]
    return value


def machine_arn(name):
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def export(taskmill, workflow, definitions, prefix):
    """The state machine of a workflow."""
    children = [one["id"] for one in definitions if "steps" in one]
    command = [taskmill, "export", "-", "--workflow", workflow["id"], "--function", FUNCTION, "--tenant", "acme"]
    for child in children:
        command += ["--machine", f"{child}={machine_arn(prefix + child)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("\n---\n".join(json.dumps(one) for one in definitions))
        file.flush()
        command[2] = file.name
        ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode != 0:
        codes = {line.split(" ")[1] for line in ended.stderr.splitlines() if line.startswith(file.name)}
        raise Refused(f"{workflow['id']}: {'EXPORT_UNSUPPORTED' if codes == {'EXPORT_UNSUPPORTED'} else ended.stderr}")
    return json.loads(ended.stdout)


def with_missing_tasks(workflow, others):
    """All definitions: a task that no file gives accepts everything, as in a workflow test."""
    given = {one["id"] for one in others if "steps" not in one}
    missing = sorted(set(tasks_named([workflow, others])) - given)
    return [workflow] + others + [
        {"id": name, "version": "1.0.0", "name": name, "type": "AUTOMATED",
         "executionConfig": {"executor": "builtin:noop"}}
        for name in missing
    ]


def why_not(case, definitions):
    """What of a case has no counterpart here."""
    expect = case.get("expect", {})
    for field in ("signals", "people", "operations"):
        if case.get(field):
            return field
    for field in ("refused", "registration"):
        if field in expect:
            return field
    if expect.get("status") not in ("COMPLETED", "FAILED"):
        return f"status {expect.get('status')}"
    named = collections.Counter(tasks_named(definitions))
    own = {one["id"]: one for one in definitions}
    for task, answer in case.get("tasks", {}).items():
        if task not in named:
            return "answers by path"
        answers = answer if isinstance(answer, list) else [answer]
        if len(answers) > 1 and named[task] > 1:
            return "answers in turn for several steps"
        if any("hang" in one or "heartbeats" in one for one in answers):
            return "an attempt that hangs"
        if "retryPolicy" in own.get(task, {}):
            return "a retry policy of the task's own"
    return None


def ended(emulator, execution):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        described = emulator.states("DescribeExecution", executionArn=execution)
        if described["status"] != "RUNNING":
            return described
        if time.monotonic() > deadline:
            return {"status": "HANGS"}
        time.sleep(0.05)


def difference(described, expect):
    """What is not as the case expects."""
    status = {"SUCCEEDED": "COMPLETED"}.get(described["status"], described["status"])
    found = {"status": status}
    wanted = {"status": expect["status"]}
    if status == "COMPLETED" and "output" in expect:
        found["output"], wanted["output"] = json.loads(described["output"]), expect["output"]
    if status == "FAILED" and "code" in expect.get("error", {}):
        names = {"States.QueryEvaluationError": "EXPRESSION_ERROR"}
        found["code"] = names.get(described.get("error"), described.get("error"))
        wanted["code"] = expect["error"]["code"]
    if found == wanted:
        return None
    return f"expected {json.dumps(wanted)}, found {json.dumps(found)}: {described.get('cause', '')}"


class Runner:
    """Runs files, and counts."""

    def __init__(self, taskmill, emulator, answers, kept):
        self.taskmill, self.emulator, self.answers, self.kept = taskmill, emulator, answers, kept
        self.passed, self.failed = 0, []
        self.left_out = collections.Counter()
        self.count = itertools.count(1)

    def files(self, folder, strict):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            files = sorted(folder.glob("**/*.test.yaml"))
            list(pool.map(lambda file: self.file(file, strict), files))

    def file(self, file, strict):
        elsewhere = None if strict else ELSEWHERE.get(file.name.removesuffix(".test.yaml"))
        if elsewhere:
            self.left_out[f"a whole file: {elsewhere}"] += 1
            return
        for test in documents(file):
            try:
                self.test(test, file, strict)
            except Refused as refused:
                self.leave_out(file, "a whole file: " + str(refused).split(": ")[-1].strip(), strict, str(refused))

    def leave_out(self, file, why, strict, message):
        if strict:
            self.failed.append(f"{file.name}: {message}")
        else:
            self.left_out[why] += 1

    def test(self, test, file, strict):
        workflow, others = definitions_of(test, file)
        definitions = with_missing_tasks(without_jitter(workflow), without_jitter(others))
        cases = []
        for case in test["cases"]:
            why = why_not(case, definitions)
            if why:
                self.leave_out(file, why, strict, f"{case.get('name')}: {why}")
            else:
                cases.append(case)
        if not cases:
            return
        prefix = f"m{next(self.count)}-"
        for one in definitions:
            if "steps" in one:
                machine = export(self.taskmill, one, definitions, prefix)
                if self.kept and strict:
                    name = f"{file.name.removesuffix('.test.yaml')}-{prefix}{one['id']}.asl.json"
                    (self.kept / name).write_text(json.dumps(machine, indent=2))
                self.emulator.states(
                    "CreateStateMachine", name=prefix + one["id"], definition=json.dumps(machine), roleArn=ROLE
                )
        has_children = sum("steps" in one for one in definitions) > 1
        for number, case in enumerate(cases):
            self.case(case, file, machine_arn(prefix + workflow["id"]), f"{prefix}{number}", has_children)

    def case(self, case, file, machine, name, has_children):
        tasks = case.get("tasks", {})
        execution = machine.replace(":stateMachine:", ":execution:") + f":{name}"
        self.answers.tables[execution] = tasks
        if has_children:
            self.answers.tables[name.split("-")[0]] = tasks
        started = self.emulator.states(
            "StartExecution", stateMachineArn=machine, name=name, input=json.dumps(case.get("input", {}))
        )
        assert started["executionArn"] == execution, started
        described = ended(self.emulator, execution)
        unanswered = self.answers.unanswered.get(execution)
        wrong = difference(described, case["expect"])
        if unanswered and not wrong:
            wrong = f"{unanswered} was asked for"
        if wrong:
            self.failed.append(f"{file.name}: {case['name']}: {wrong}")
        else:
            self.passed += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("taskmill")
    parser.add_argument("cases", type=pathlib.Path)
    parser.add_argument("--language", type=pathlib.Path)
    parser.add_argument("--machines", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(folder)
        try:
            answers = Answers(emulator)
            emulator.create_function(answers.address)
            runner = Runner(arguments.taskmill, emulator, answers, arguments.machines)
            runner.files(arguments.cases, strict=True)
            if arguments.language:
                runner.files(arguments.language, strict=False)
        finally:
            emulator.stop()
    for failure in runner.failed:
        print(f"FAIL {failure}")
    for why, count in runner.left_out.most_common():
        print(f"left out {count}: {why}")
    print(f"{runner.passed} passed, {len(runner.failed)} failed on exported state machines")
    sys.exit(1 if runner.failed else 0)


if __name__ == "__main__":
    main()
