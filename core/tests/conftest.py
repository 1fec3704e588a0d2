"""Hypothesis in the tests: the same examples in every run, however busy the machine is; `python tests/fuzz` varies."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("suite")
