"""The version of gombus, read by the build and by `gombus --version`."""

__version__ = "0.1.0"
