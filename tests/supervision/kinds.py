"""The kinds of process that a test is run for: marks to put on a test, or on a whole file as `pytestmark`."""

from __future__ import annotations

import pytest

KINDS = ["thread", "process"]

both_kinds = pytest.mark.usefixtures("isolation")
"""Run once with servers in threads, once with servers in OS processes of their own."""
threads_only = pytest.mark.parametrize("isolation", ["thread"], indirect=True)
os_processes_only = pytest.mark.parametrize("isolation", KINDS[1:], indirect=True)
