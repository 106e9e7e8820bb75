"""A small JSON API on Flask; the routes are described in ../README.md."""

import itertools
import re
import secrets
import time
from datetime import UTC, datetime
from importlib.metadata import version

from flask import Flask, Response, abort, g, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from werkzeug.exceptions import HTTPException

# Looking it up reads the package's metadata, so it is done once.
VERSION = version("flask")

TAGS = ("new", "sale", "eco", "bulk", "local", "gift", "spare")

app = Flask(__name__, static_folder=None)

# Gunicorn imports this module in each worker, after the fork.
process_id = secrets.token_hex(8)
requests = itertools.count(1)


class Order(Schema):
    class Meta:
        unknown = EXCLUDE

    name = fields.String(required=True, validate=validate.Length(1, 100))
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000))
    tags = fields.List(fields.String(), load_default=list, validate=validate.Length(max=10))


order = Order()


@app.before_request
def count() -> None:
    g.request_count = next(requests)


@app.after_request
def process_headers(response: Response) -> Response:
    response.headers["x-process-id"] = process_id
    response.headers["x-request-count"] = g.request_count
    return response


@app.errorhandler(HTTPException)
def failed(error: HTTPException):
    text = "not found" if error.code == 404 else error.description
    return {"error": text}, error.code


@app.errorhandler(ValidationError)
def invalid(error: ValidationError):
    return {"error": "invalid body", "details": error.messages}, 422


def new_item(id: int, k: int) -> dict:
    cents = (id * 37 + k * 1009) % 100_000 + 100
    created = 1_767_225_600 + (id * 7919 + k * 3600) % 31_536_000
    return {
        "id": id * 1000 + k,
        "name": f"item {id}-{k}",
        "price": f"{cents / 100:.2f}",
        "created": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tags": [TAGS[(id + k) % 7], TAGS[(id + k + 1 + k % 5) % 7]],
        "stock": {"warehouse": f"w{(id + k) % 9 + 1}", "quantity": (id * 13 + k * 7) % 500},
    }


def milliseconds() -> int:
    ms = request.args.get("ms", "")
    if not re.fullmatch("[0-9]{1,4}|10000", ms, re.ASCII):
        abort(400, "bad ms")
    return int(ms)


@app.get("/healthz")
def healthz():
    return {"status": "ok"}


@app.get("/json")
def hello():
    return {"message": "hello", "framework": "flask", "version": VERSION}


@app.get("/items/<id>")
def items(id: str):
    if not re.fullmatch("[1-9][0-9]{0,5}|1000000", id, re.ASCII):
        abort(404)
    number = int(id)
    found = [new_item(number, k) for k in range(1, 21)]
    return {"id": number, "count": len(found), "items": found}


@app.post("/echo")
def echo():
    return order.load(request.get_json())


@app.get("/cpu")
def cpu():
    ms = milliseconds()
    end = time.thread_time_ns() + ms * 1_000_000
    x = 1
    while time.thread_time_ns() < end:
        for _ in range(200):
            x = x * 48271 % 2147483647
    return {"cpu_ms": ms}


@app.get("/io")
def wait():
    ms = milliseconds()
    time.sleep(ms / 1000)
    return {"io_ms": ms}
