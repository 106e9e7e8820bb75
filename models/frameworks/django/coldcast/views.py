import html
import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import django
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from .forms import OrderForm

TAGS = ("new", "sale", "eco", "bulk", "local", "gift", "spare")
STATUSES = ("open", "paid & packed", "sent", "<returned>")


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


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_GET
def hello(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"message": "hello", "framework": "django", "version": django.get_version()})


@require_GET
def items(request: HttpRequest, id: int) -> JsonResponse:
    count = requested_count(request, usual="20")
    if count is None:
        return JsonResponse({"error": "bad count"}, status=400)
    found = [new_item(id, k) for k in range(1, count + 1)]
    return JsonResponse({"id": id, "count": len(found), "items": found})


@csrf_exempt
@require_POST
def echo(request: HttpRequest) -> JsonResponse:
    try:
        body = json.loads(request.body)
    except ValueError:
        return JsonResponse({"error": "the body is not JSON"}, status=400)
    if not isinstance(body, dict):
        return JsonResponse({"error": "the body is not an object"}, status=422)
    form = OrderForm(body)
    if not form.is_valid():
        return JsonResponse({"error": "invalid body", "details": form.errors}, status=422)
    return JsonResponse(form.cleaned_data)


@csrf_exempt
@require_POST
def validate(request: HttpRequest) -> JsonResponse:
    try:
        body = json.loads(request.body)
    except ValueError:
        return JsonResponse({"error": "the body is not JSON"}, status=400)
    if not isinstance(body, list) or not 1 <= len(body) <= 9999:
        return JsonResponse({"error": "the body is not a list of 1 to 9999 orders"}, status=422)
    quantity = tags = 0
    for number, order in enumerate(body, 1):
        if not isinstance(order, dict):
            return JsonResponse({"error": f"order {number} is not an object"}, status=422)
        form = OrderForm(order)
        if not form.is_valid():
            return JsonResponse(
                {"error": f"order {number} is invalid", "details": form.errors}, status=422
            )
        quantity += form.cleaned_data["quantity"]
        tags += len(form.cleaned_data["tags"])
    return JsonResponse({"count": len(body), "quantity": quantity, "tags": tags})


def requested_count(request: HttpRequest, usual: str = "") -> int | None:
    count = request.GET.get("count", usual)
    return int(count) if re.fullmatch("[1-9][0-9]{0,3}", count, re.ASCII) else None


@require_GET
def template(request: HttpRequest) -> HttpResponse:
    count = requested_count(request)
    if count is None:
        return JsonResponse({"error": "bad count"}, status=400)
    return HttpResponse(page(count))


@require_GET
def compute(request: HttpRequest) -> JsonResponse:
    count = requested_count(request)
    if count is None:
        return JsonResponse({"error": "bad count"}, status=400)
    return JsonResponse(line_totals([new_line(k) for k in range(1, count + 1)]))


def milliseconds(request: HttpRequest) -> int | None:
    ms = request.GET.get("ms", "")
    return int(ms) if re.fullmatch("[0-9]{1,4}|10000", ms, re.ASCII) else None


@require_GET
def cpu(request: HttpRequest) -> JsonResponse:
    ms = milliseconds(request)
    if ms is None:
        return JsonResponse({"error": "bad ms"}, status=400)
    end = time.thread_time_ns() + ms * 1_000_000
    x = 1
    while time.thread_time_ns() < end:
        for _ in range(200):
            x = x * 48271 % 2147483647
    return JsonResponse({"cpu_ms": ms})


@require_GET
def wait(request: HttpRequest) -> JsonResponse:
    ms = milliseconds(request)
    if ms is None:
        return JsonResponse({"error": "bad ms"}, status=400)
    time.sleep(ms / 1000)
    return JsonResponse({"io_ms": ms})


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    return JsonResponse({"error": "invalid request"}, status=400)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return JsonResponse({"error": "not found"}, status=404)


def server_error(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"error": "internal error"}, status=500)
