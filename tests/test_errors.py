"""Every error crosses the border of a process and still says the same."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from eye import errors
from eye.errors import EyeError


def _tree(root: type[EyeError]) -> list[type[EyeError]]:
    return [root, *(one for branch in root.__subclasses__() for one in _tree(branch))]


ALL = sorted({one for one in _tree(EyeError) if one.__module__ == errors.__name__}, key=lambda one: one.__name__)


def _make(kind: type[EyeError]) -> EyeError:
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return kind("a sentence")
    samples: dict[str, object] = {"int": 3, "float": 2.5, "str": "some text", "Any": ("any", 1), "bool": True}
    samples["tuple[tuple[int, int, str, str], ...]"] = ((3, 8, "a line", "is wrong"), (4, 1, "", "too"))
    return kind(*(samples[str(one.annotation)] for one in parameters))


@pytest.mark.parametrize("kind", ALL, ids=lambda one: one.__name__)
def test_an_error_survives_the_way_between_two_processes(kind: type[EyeError]) -> None:
    error = _make(kind)

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert copy.args == error.args
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


@pytest.mark.parametrize("kind", ALL, ids=lambda one: one.__name__)
def test_an_error_has_a_docstring_and_its_place_in_the_drawing(kind: type[EyeError]) -> None:
    if kind.__name__.startswith("_"):
        return

    assert kind.__doc__
    assert re.search(rf"\b{kind.__name__}\b", errors.__doc__ or "")


@pytest.mark.parametrize("kind", ALL, ids=lambda one: one.__name__)
def test_what_it_says_is_one_sentence_without_a_full_stop(kind: type[EyeError]) -> None:
    said = str(_make(kind))

    assert said
    assert not said.endswith(".")
