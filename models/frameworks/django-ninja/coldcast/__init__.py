"""A small JSON API on Django Ninja; the routes are described in ../../README.md."""
