"""A small JSON API on FastAPI; the routes are described in ../README.md."""

import asyncio
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import fastapi
from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, Field, StrictInt, StrictStr
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TAGS = ("new", "sale", "eco", "bulk", "local", "gift", "spare")


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


api = FastAPI(title="coldcast", docs_url=None, redoc_url=None, openapi_url=None)
app = ProcessHeaders(api)


@api.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    match error.errors()[0]["loc"][0]:
        case "path":
            return JSONResponse({"error": "not found"}, status_code=404)
        case "query":
            return JSONResponse({"error": "bad ms"}, status_code=400)
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
async def items(id: ItemId) -> Listing:
    found = [new_item(id, k) for k in range(1, 21)]
    return Listing(id=id, count=len(found), items=found)


@api.post("/echo")
async def echo(order: Order) -> Order:
    return order


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
