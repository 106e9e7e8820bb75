"""A small JSON API on FastAPI; the routes are described in ../README.md."""

import asyncio
import html
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import fastapi
from fastapi import Body, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, BeforeValidator, Field, StrictInt, StrictStr
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TAGS = ("new", "sale", "eco", "bulk", "local", "gift", "spare")
STATUSES = ("open", "paid & packed", "sent", "<returned>")


class ProcessHeaders:
    """ASGI wrapper: which process answered, and how many requests it has seen."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # Gunicorn imports this module in each worker, after the fork.
        self.process_id = secrets.token_hex(8).encode()
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.requests += 1
        count = str(self.requests).encode()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"x-process-id", self.process_id),
                    (b"x-request-count", count),
                ]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Stock(BaseModel):
    warehouse: str
    quantity: int


class Item(BaseModel):
    id: int
    name: str
    price: str
    created: datetime
    tags: list[str]
    stock: Stock


class Listing(BaseModel):
    id: int
    count: int
    items: list[Item]


class Order(BaseModel):
    name: Annotated[StrictStr, Field(min_length=1, max_length=100)]
    quantity: Annotated[StrictInt, Field(ge=1, le=1000)]
    tags: Annotated[list[StrictStr], Field(max_length=10)] = []


Orders = Annotated[list[Order], Body(min_length=1, max_length=9999)]


class OrderTotals(BaseModel):
    count: int
    quantity: int
    tags: int


@dataclass(slots=True)
class Line:
    sku: int
    quantity: int
    cents: int


@dataclass(slots=True)
class Group:
    sku: str
    lines: int = 0
    quantity: int = 0
    amount: int = 0


class LineTotals(BaseModel):
    count: int
    total: int
    groups: list[Group]


def matching(pattern: str) -> BeforeValidator:
    """Accept only text of this form, before it is read as a number."""
    form = re.compile(pattern)

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ValueError("not a number of the expected form")
        return value

    return BeforeValidator(check)


ItemId = Annotated[int, matching("[1-9][0-9]{0,5}|1000000"), Path()]
Milliseconds = Annotated[int, matching("[0-9]{1,4}|10000"), Query()]
Count = Annotated[int, matching("[1-9][0-9]{0,3}"), Query()]


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


def line_totals(lines: list[Line]) -> LineTotals:
    """Total the lines by sku: the largest amount first, then by number."""
    groups: dict[int, Group] = {}
    for line in lines:
        group = groups.get(line.sku)
        if group is None:
            group = groups[line.sku] = Group(sku=f"sku-{line.sku}")
        group.lines += 1
        group.quantity += line.quantity
        group.amount += line.quantity * line.cents
    ranked = sorted(groups.items(), key=lambda entry: (-entry[1].amount, entry[0]))
    return LineTotals(
        count=len(lines),
        total=sum(group.amount for group in groups.values()),
        groups=[group for _, group in ranked[:10]],
    )


api = FastAPI(title="coldcast", docs_url=None, redoc_url=None, openapi_url=None)
app = ProcessHeaders(api)


@api.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    match error.errors()[0]["loc"]:
        case ("path", *_):
            return JSONResponse({"error": "not found"}, status_code=404)
        case ("query", name):
            return JSONResponse({"error": f"bad {name}"}, status_code=400)
    details = [{"path": e["loc"][1:], "message": e["msg"]} for e in error.errors()]
    return JSONResponse({"error": "invalid body", "details": details}, status_code=422)


@api.exception_handler(HTTPException)
async def failed(request: Request, error: HTTPException) -> JSONResponse:
    text = "not found" if error.status_code == 404 else error.detail
    return JSONResponse({"error": text}, status_code=error.status_code, headers=error.headers)


@api.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@api.get("/json")
async def hello() -> dict[str, str]:
    return {"message": "hello", "framework": "fastapi", "version": fastapi.__version__}


@api.get("/items/{id}")
async def items(id: ItemId, count: Count = 20) -> Listing:
    found = [new_item(id, k) for k in range(1, count + 1)]
    return Listing(id=id, count=len(found), items=found)


@api.post("/echo")
async def echo(order: Order) -> Order:
    return order


@api.post("/validate")
async def validate(orders: Orders) -> OrderTotals:
    return OrderTotals(
        count=len(orders),
        quantity=sum(order.quantity for order in orders),
        tags=sum(len(order.tags) for order in orders),
    )


@api.get("/template", response_class=HTMLResponse)
async def template(count: Count) -> str:
    return page(count)


@api.get("/compute")
async def compute(count: Count) -> LineTotals:
    return line_totals([new_line(k) for k in range(1, count + 1)])


@api.get("/cpu")
def cpu(ms: Milliseconds) -> dict[str, int]:
    # A plain function: FastAPI runs it on a thread, the event loop stays free.
    end = time.thread_time_ns() + ms * 1_000_000
    x = 1
    while time.thread_time_ns() < end:
        for _ in range(200):
            x = x * 48271 % 2147483647
    return {"cpu_ms": ms}


@api.get("/io")
async def wait(ms: Milliseconds) -> dict[str, int]:
    await asyncio.sleep(ms / 1000)
    return {"io_ms": ms}
