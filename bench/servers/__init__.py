"""Servers to hold gombus against. Each prints its port when it listens, and ends on SIGTERM."""
