"""One browser for all pages of a test module, and a page to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import Browser
from tests.web.pages import Answers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.close()
