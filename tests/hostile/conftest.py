"""Nodes as OS processes of their own, in folders of the test's own, and what one asks about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.camp import Camp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.hostile.camp import Running


@pytest.fixture
def camp(tmp_path: Path) -> Iterator[Camp]:
    camp = Camp(tmp_path)
    yield camp
    camp.close()


@pytest.fixture
def start(camp: Camp) -> Callable[..., Running]:
    """Start a command line in a process of its own."""
    return camp.start
