"""A small JSON API on Django; the routes are described in ../../README.md."""
