"""A small JSON API on Flask; the routes are described in ../README.md."""

import html
import itertools
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from flask import Flask, Response, abort, g, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from werkzeug.exceptions import HTTPException

# Looking it up reads the package's metadata, so it is done once.
VERSION = version("flask")

TAGS = ("new", "sale", "eco", "bulk", "local", "gift", "spare")
STATUSES = ("open", "paid & packed", "sent", "<returned>")

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
orders = Order(many=True)


@dataclass(slots=True)
class Line:
    sku: int
    quantity: int
    cents: int


@dataclass(slots=True)
class Group:
    lines: int = 0
    quantity: int = 0
    amount: int = 0


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


def row(k: int) -> str:
    cents = k * 1009 % 100_000 + 100
    name = html.escape(f"Fish & chips <{k}> from w{k * 7 % 9 + 1}")
    status = html.escape(STATUSES[k % 4])
    return f"<tr><td>{k}</td><td>{name}</td><td>{cents / 100:.2f}</td><td>{status}</td></tr>"


def page(count: int) -> str:
    rows = "".join(row(k) for k in range(1, count + 1))
    return (
        "<!doctype html><html><head><title>Orders</title></head>"
        f"<body><h1>Orders</h1><table>{rows}</table></body></html>"
    )


def new_line(k: int) -> Line:
    return Line(sku=(k * k * 7 + k * 17) % 50, quantity=k * 13 % 9 + 1, cents=k * 7919 % 9973 + 1)


def line_totals(lines: list[Line]) -> dict:
    """Total the lines by sku: the largest amount first, then by number."""
    groups: dict[int, Group] = {}
    for line in lines:
        group = groups.get(line.sku)
        if group is None:
            group = groups[line.sku] = Group()
        group.lines += 1
        group.quantity += line.quantity
        group.amount += line.quantity * line.cents
    ranked = sorted(groups.items(), key=lambda entry: (-entry[1].amount, entry[0]))
    return {
        "count": len(lines),
        "total": sum(group.amount for group in groups.values()),
        "groups": [
            {
                "sku": f"sku-{sku}",
                "lines": group.lines,
                "quantity": group.quantity,
                "amount": group.amount,
            }
            for sku, group in ranked[:10]
        ],
    }


def milliseconds() -> int:
    ms = request.args.get("ms", "")
    if not re.fullmatch("[0-9]{1,4}|10000", ms, re.ASCII):
        abort(400, "bad ms")
    return int(ms)


def units(usual: str = "") -> int:
    """The parameter `count`: how many items, rows or lines to answer with."""
    count = request.args.get("count", usual)
    if not re.fullmatch("[1-9][0-9]{0,3}", count, re.ASCII):
        abort(400, "bad count")
    return int(count)


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
    found = [new_item(number, k) for k in range(1, units("20") + 1)]
    return {"id": number, "count": len(found), "items": found}


@app.post("/echo")
def echo():
    return order.load(request.get_json())


@app.post("/validate")
def validate_orders():
    found = orders.load(request.get_json())
    if not 1 <= len(found) <= 9999:
        raise ValidationError("The list must have 1 to 9999 orders.")
    return {
        "count": len(found),
        "quantity": sum(order["quantity"] for order in found),
        "tags": sum(len(order["tags"]) for order in found),
    }


@app.get("/template")
def template():
    return page(units())


@app.get("/compute")
def compute():
    return line_totals([new_line(k) for k in range(1, units() + 1)])


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
