import json
import re
import time
from datetime import UTC, datetime

import django
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from .forms import OrderForm

TAGS = ("new", "sale", "eco", "bulk", "local", "gift", "spare")


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


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_GET
def hello(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"message": "hello", "framework": "django", "version": django.get_version()})


@require_GET
def items(request: HttpRequest, id: int) -> JsonResponse:
    found = [new_item(id, k) for k in range(1, 21)]
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
