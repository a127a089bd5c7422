"""Errors cross the borders of processes, and say what to do."""

from __future__ import annotations

import inspect
import pickle

import pytest

from eye import errors

CLASSES = [
    value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.EyeError) and not name.startswith("_")
]


def example(kind: type[errors.EyeError]) -> errors.EyeError:
    """Make one, with something for each argument."""
    try:
        wanted = list(inspect.signature(kind).parameters.values())
    except ValueError:  # the constructor is a builtin exception's own, and takes a sentence
        return kind("what happened")
    wanted = [each for each in wanted if each.kind is each.POSITIONAL_OR_KEYWORD]
    return (
        kind(*[2.0 if str(each.annotation) in ("float", "int") else "x" for each in wanted])
        if wanted
        else kind("x")
    )


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_survives_the_way_to_another_process(kind: type[errors.EyeError]) -> None:
    error = example(kind)

    back = pickle.loads(pickle.dumps(error))

    assert type(back) is kind
    assert (str(back), back.args) == (str(error), error.args)
    assert str(error)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_in_the_drawing_of_the_tree(kind: type[errors.EyeError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
