"""An order. Form fields convert what they can; these take JSON values of the right type only."""

from django import forms
from django.core.exceptions import ValidationError


def of_type(value, kind: type, text: str):
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise ValidationError(text)
    return value


class JsonString(forms.CharField):
    def to_python(self, value):
        return super().to_python(of_type(value, str, "Not a string."))


class JsonInteger(forms.IntegerField):
    def to_python(self, value):
        return super().to_python(of_type(value, int, "Not an integer."))


class JsonStrings(forms.Field):
    def __init__(self, *, max_items: int, **kwargs):
        super().__init__(**kwargs)
        self.max_items = max_items

    def to_python(self, value):
        items = of_type(value, list, "Not a list.") or []
        if len(items) > self.max_items:
            raise ValidationError(f"More than {self.max_items} items.")
        return [of_type(item, str, "Not a list of strings.") for item in items]


class OrderForm(forms.Form):
    name = JsonString(max_length=100, strip=False)
    quantity = JsonInteger(min_value=1, max_value=1000)
    tags = JsonStrings(max_items=10, required=False)
