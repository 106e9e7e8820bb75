from django.urls import path

from .api import api

urlpatterns = [path("", api.urls)]

handler404 = "coldcast.errors.not_found"
handler500 = "coldcast.errors.server_error"
