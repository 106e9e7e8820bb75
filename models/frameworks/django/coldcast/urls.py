from django.urls import path, register_converter

from . import views


class ItemId:
    regex = "[1-9][0-9]{0,5}|1000000"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(ItemId, "item-id")

urlpatterns = [
    path("healthz", views.healthz),
    path("json", views.hello),
    path("items/<item-id:id>", views.items),
    path("echo", views.echo),
    path("validate", views.validate),
    path("template", views.template),
    path("compute", views.compute),
    path("cpu", views.cpu),
    path("io", views.wait),
]

handler400 = views.bad_request
handler404 = views.not_found
handler500 = views.server_error
