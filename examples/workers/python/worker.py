"""A worker of Taskmill in the standard library: it polls, gives signs of life, tells the end."""

import json
import os
import signal
import threading
import time
import urllib.request
import uuid

URL = os.environ["TASKMILL_API_URL"] + "/v1/workers/words"
NAME = f"python-{uuid.uuid4()}"
SECONDS = float(os.environ.get("SECONDS_A_WORD", "0"))
stopping = threading.Event()


def ask(path, **body):
    headers = {"Authorization": "Bearer " + os.environ["TASKMILL_TOKEN"], "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URL}/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def work(task):
    words = task["input"]["text"].split()
    for _ in words:
        time.sleep(SECONDS)
    return {"words": len(words), "by": NAME}


def keep_alive(path, attempt, pause, over):
    while not over.wait(pause):
        try:
            ask(f"{path}/heartbeat", **attempt)
        except OSError as error:  # a 409 says that the attempt is not wanted any more
            print("not heard:", error, flush=True)


def do(offer):
    path = f"tasks/{offer['taskId']}"
    task = ask(f"{path}/start", attempt=offer["attempt"], workerId=NAME, receipt=offer["receipt"])["task"]
    attempt, over = {"executionId": task["executionId"], "workerId": NAME}, threading.Event()
    pause = task["timeouts"]["heartbeat"] / 3000
    threading.Thread(target=keep_alive, args=(path, attempt, pause, over), daemon=True).start()
    try:
        ask(f"{path}/complete", output=work(task), **attempt)
    except (KeyError, TypeError, ValueError) as error:
        ask(f"{path}/fail", code="BAD_INPUT", message=str(error), permanent=True, **attempt)
    finally:
        over.set()


signal.signal(signal.SIGTERM, lambda *_: stopping.set())
while not stopping.is_set():
    try:
        for offer in ask("poll", maxTasks=1, waitSeconds=5)["tasks"]:
            do(offer)
    except OSError as error:  # refused, or no answer: what was offered is offered again
        stopping.wait(0 if getattr(error, "code", 0) == 409 else 1)
