"""INSPECT: where it is, and the gom client that talks to it."""
