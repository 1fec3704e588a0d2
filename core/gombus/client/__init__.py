"""Clients. `request` speaks the legacy wire, `Client` and `AsyncClient` speak JSON-RPC and resume lost connections.

from gombus.client import Client

with Client() as client:
    receipt = client.call("image", file="C:/temp/example.jpg", name="Microscopy", focal_length=2.0)
"""

from .aio import AsyncClient
from .blocking import Client
from .messages import OutcomeUnknown, Progress, RequestFailed, Unreachable
from .oneshot import URL, request

__all__ = [
    "URL",
    "AsyncClient",
    "Client",
    "OutcomeUnknown",
    "Progress",
    "RequestFailed",
    "Unreachable",
    "request",
]
