"""The wire twin: the twin for the real gom client, without ZEISS INSPECT."""

from .dialogs import Dialog
from .faults import Faults, Hold
from .items import series_item
from .requests import BREAK, PYTHON, Refusal, Request
from .server import WireTwin
from .values import Item

__all__ = [
    "BREAK",
    "PYTHON",
    "Dialog",
    "Faults",
    "Hold",
    "Item",
    "Refusal",
    "Request",
    "WireTwin",
    "series_item",
]
