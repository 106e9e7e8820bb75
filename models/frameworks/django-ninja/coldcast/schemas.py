"""What the API takes and gives."""

import re
from datetime import datetime
from typing import Annotated, Any

from ninja import Body, Schema
from pydantic import BeforeValidator, Field, StrictInt, StrictStr


class Stock(Schema):
    warehouse: str
    quantity: int


class Item(Schema):
    id: int
    name: str
    price: str
    created: datetime
    tags: list[str]
    stock: Stock


class Listing(Schema):
    id: int
    count: int
    items: list[Item]


class Order(Schema):
    name: Annotated[StrictStr, Field(min_length=1, max_length=100)]
    quantity: Annotated[StrictInt, Field(ge=1, le=1000)]
    tags: Annotated[list[StrictStr], Field(max_length=10)] = []


Orders = Annotated[list[Order], Body(min_length=1, max_length=9999)]


class OrderTotals(Schema):
    count: int
    quantity: int
    tags: int


class Group(Schema):
    sku: str
    lines: int
    quantity: int
    amount: int


class LineTotals(Schema):
    count: int
    total: int
    groups: list[Group]


def matching(pattern: str) -> BeforeValidator:
    """Accept only text of this form, before it is read as a number."""
    form = re.compile(pattern)

    def check(value: Any) -> Any:
        if isinstance(value, str) and not form.fullmatch(value):
            raise ValueError("not a number of the expected form")
        return value

    return BeforeValidator(check)


ItemId = Annotated[int, matching("[1-9][0-9]{0,5}|1000000")]
Count = Annotated[int, matching("[1-9][0-9]{0,3}")]
Milliseconds = Annotated[int, matching("[0-9]{1,4}|10000")]
