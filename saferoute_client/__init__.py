"""Typed Python client of the live gateway."""
