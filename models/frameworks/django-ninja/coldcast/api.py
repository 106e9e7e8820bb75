import html
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from .schemas import (
    Count,
    Item,
    ItemId,
    LineTotals,
    Listing,
    Milliseconds,
    Order,
    Orders,
    OrderTotals,
    Stock,
)

# Looking it up reads the package's metadata, so it is done once.
VERSION = version("django-ninja")

TAGS = ("new", "sale", "eco", "bulk", "local", "gift", "spare")
STATUSES = ("open", "paid & packed", "sent", "<returned>")

api = NinjaAPI(title="coldcast", docs_url=None, openapi_url=None)


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


def new_item(id: int, k: int) -> Item:
    cents = (id * 37 + k * 1009) % 100_000 + 100
    created = 1_767_225_600 + (id * 7919 + k * 3600) % 31_536_000
    return Item(
        id=id * 1000 + k,
        name=f"item {id}-{k}",
        price=f"{cents / 100:.2f}",
        created=datetime.fromtimestamp(created, UTC),
        tags=[TAGS[(id + k) % 7], TAGS[(id + k + 1 + k % 5) % 7]],
        stock=Stock(warehouse=f"w{(id + k) % 9 + 1}", quantity=(id * 13 + k * 7) % 500),
    )


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


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    where = {e["loc"][0]: e["loc"] for e in error.errors}
    if "path" in where:
        return api.create_response(request, {"error": "not found"}, status=404)
    if "query" in where:
        return api.create_response(request, {"error": f"bad {where['query'][1]}"}, status=400)
    details = [{"path": e["loc"][1:], "message": e["msg"]} for e in error.errors]
    return api.create_response(request, {"error": "invalid body", "details": details}, status=422)


@api.exception_handler(HttpError)
def failed(request: HttpRequest, error: HttpError) -> HttpResponse:
    return api.create_response(request, {"error": error.message}, status=error.status_code)


@api.get("/healthz")
def healthz(request: HttpRequest):
    return {"status": "ok"}


@api.get("/json")
def hello(request: HttpRequest):
    return {"message": "hello", "framework": "django-ninja", "version": VERSION}


@api.get("/items/{id}", response=Listing)
def items(request: HttpRequest, id: ItemId, count: Count = 20):
    found = [new_item(id, k) for k in range(1, count + 1)]
    return {"id": id, "count": len(found), "items": found}


@api.post("/echo", response=Order)
def echo(request: HttpRequest, order: Order):
    return order


@api.post("/validate", response=OrderTotals)
def validate(request: HttpRequest, orders: Orders):
    return {
        "count": len(orders),
        "quantity": sum(order.quantity for order in orders),
        "tags": sum(len(order.tags) for order in orders),
    }


@api.get("/template")
def template(request: HttpRequest, count: Count):
    return HttpResponse(page(count))


@api.get("/compute", response=LineTotals)
def compute(request: HttpRequest, count: Count):
    return line_totals([new_line(k) for k in range(1, count + 1)])


@api.get("/cpu")
def cpu(request: HttpRequest, ms: Milliseconds):
    end = time.thread_time_ns() + ms * 1_000_000
    x = 1
    while time.thread_time_ns() < end:
        for _ in range(200):
            x = x * 48271 % 2147483647
    return {"cpu_ms": ms}


@api.get("/io")
def wait(request: HttpRequest, ms: Milliseconds):
    time.sleep(ms / 1000)
    return {"io_ms": ms}
