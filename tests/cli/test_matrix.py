"""Who sees whom, as text: all of it where there is room, else what they do not agree on."""

from __future__ import annotations

from typing import Any

from eye.cli.matrix import LEGEND, matrix


def told(size: int, different: dict[tuple[int, int], str] | None = None, **more: Any) -> dict[str, Any]:
    """So many nodes that see each other as up, but for what is different."""
    names = [f"n{number}" for number in range(1, size + 1)]
    rows = [
        {
            "node": teller,
            "error": None,
            "sees": {
                of: {"status": (different or {}).get((at + 1, to + 1), "up"), "age": 1.0}
                for to, of in enumerate(names)
                if of != teller
            },
        }
        for at, teller in enumerate(names)
    ]
    return {"version": 1, "at": 0.0, "nodes": names, "rows": rows, "left_out": 0, **more}


def test_a_whole_network() -> None:
    assert matrix(told(3), 80).splitlines() == [
        "3 of 3 nodes told; they agree on all",
        "      1 2 3",
        "1 n1  · ● ●",
        "2 n2  ● · ●",
        "3 n3  ● ● ·",
        LEGEND,
    ]


def test_half_a_network_and_one_that_says_nothing() -> None:
    document = told(4, {(1, 3): "down", (3, 1): "suspect"})
    document["rows"][3] = {"node": "n4", "error": "it did not answer within 2 s", "sees": {}}
    del document["rows"][1]["sees"]["n3"]

    assert matrix(document, 80).splitlines() == [
        "3 of 4 nodes told, 1 did not; they do not agree on 2",
        "      1 2 3 4",
        "1 n1  · ● ✖ ●",
        "2 n2  ● · ? ●",
        "3 n3  ◆ ● · ●",
        "4 n4  it did not answer within 2 s",
        LEGEND,
    ]


def test_of_many_only_what_they_do_not_agree_on() -> None:
    assert matrix(told(100, {(7, 42): "down"}), 80).splitlines() == [
        "100 of 100 nodes told; they do not agree on 1",
        "       42",
        "7 n7    ✖",
        "42 is n42",
        LEGEND,
    ]


def test_many_that_agree_need_no_table() -> None:
    assert matrix(told(100, left_out=400), 80).splitlines() == [
        "100 of 100 nodes told; they agree on all",
        "400 nodes were not asked: there are too many",
        LEGEND,
    ]


def test_more_disputes_than_there_is_room_for_are_counted() -> None:
    text = matrix(told(100, {(1, of): "down" for of in range(10, 100)}), 40)

    assert max(map(len, text.splitlines()[1:3])) <= 40
    assert "more that they do not agree on" in text


def test_what_a_node_calls_itself_or_says_does_no_harm() -> None:
    document = told(2)
    document["nodes"][0] = document["rows"][0]["node"] = "\x1b[31mred"
    document["rows"][1] |= {"error": "\x1b]0;title\x07"}

    assert "\x1b" not in matrix(document, 80)
