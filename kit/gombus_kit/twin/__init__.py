"""The twin: a simulated INSPECT with a real project model. Handlers know it as ``gom``."""

from .errors import BreakError, RequestError
from .faults import Faults
from .project import Elements, Image, MeasurementSeries, Project, Stage
from .twin import File, Twin

__all__ = [
    "BreakError",
    "Elements",
    "Faults",
    "File",
    "Image",
    "MeasurementSeries",
    "Project",
    "RequestError",
    "Stage",
    "Twin",
]
