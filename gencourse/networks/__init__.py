"""Reusable networks, one family a file."""
