"""Tells which process answered, and how many requests it has seen."""

import itertools
import secrets

# Gunicorn imports this module in each worker, after the fork.
process_id = secrets.token_hex(8)
requests = itertools.count(1)


def process_headers(get_response):
    def middleware(request):
        count = next(requests)
        response = get_response(request)
        response["x-process-id"] = process_id
        response["x-request-count"] = count
        return response

    return middleware
