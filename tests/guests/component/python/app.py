"""A component for tests: tests/guests/component/README.md."""

import json
import os
import random
import sys
import time

import wit_world
from componentize_py_types import Err
from wit_world.imports import call, config, http, kv, log, metrics

COUNT = 0
HELD = []


def read(key):
    entry = kv.get(key)
    return b"none" if entry is None else entry.value


def count(_):
    global COUNT
    COUNT += 1
    return str(COUNT)


def set_and_read(request):
    kv.set(request["key"], request["value"].encode(), None)
    return read(request["key"])


def write_record(request):
    log.log(log.Level.INFO, request["text"])
    return "logged"


def get_config(request):
    value = config.get(request["key"])
    return "none" if value is None else value


def fetch(request):
    response = http.fetch(http.Request("GET", request["url"], [], None))
    return f"{response.status} ".encode() + response.body


def add_metric(request):
    metrics.add(request["key"], [], 1.0)
    return "added"


def hold(request):
    HELD.append(b"x" * request["size"])
    return "held"


def show(request):
    print(request["text"], flush=True)
    print(request["text"], file=sys.stderr, flush=True)
    return "printed"


def fail(request):
    raise Err(request["text"])


def trap(_):
    raise RuntimeError("asked to")


def loop(_):
    while True:
        pass


OPS = {
    "echo": lambda request: request["text"],
    "count": count,
    "kv": set_and_read,
    "kv-get": lambda request: read(request["key"]),
    "log": write_record,
    "config": get_config,
    "http": fetch,
    "metrics": add_metric,
    "remaining": lambda _: str(call.remaining_ms()),
    "fill": lambda request: b"x" * request["size"],
    "hold": hold,
    "print": show,
    "time": lambda _: str(int(time.time())),
    "random": lambda _: str(random.SystemRandom().getrandbits(64)),
    "env": lambda request: os.environ.get(request["key"], "none"),
    "error": fail,
    "trap": trap,
    "loop": loop,
}


class WitWorld(wit_world.WitWorld):
    def handle(self, input: bytes) -> bytes:
        request = json.loads(input)
        if request["op"] not in OPS:
            raise Err("unknown op")
        answer = OPS[request["op"]](request)
        return answer if isinstance(answer, bytes) else answer.encode()
