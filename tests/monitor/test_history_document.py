"""What is asked of the history, understood or refused; and what is answered."""

from __future__ import annotations

import time

import pytest

from eye.errors import BadFilter, ConfigError, UnknownMetric
from eye.history.memory_store import MemoryStore
from eye.history.store import Row
from eye.metrics.filters import parse
from eye.monitor.history_document import Question, answer, chosen, document, length, moment, usual_step

NOON = 1_800_014_400.0


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    made.write(
        [
            Row(
                node,
                NOON + at,
                {
                    "host.cpu": at / 100,
                    "host.memory": 512.0 * at,
                    "host.memory_total": 102_400.0,
                    "node.cpu": 0.01,
                    "custom.orders": float(at),
                },
            )
            for node in ("web-1", "web-2", "db-1")
            for at in range(100)
        ]
    )
    made.describe({"custom.orders": "bytes"})
    return made


def ask(store: MemoryStore, *metrics: str, filter: str = "", nodes: tuple[str, ...] = ("web-1",)) -> Question:
    wanted = parse(filter, None) if filter else None
    return Question(NOON, NOON + 99, 10.0, nodes, metrics or ("cpu",), wanted=wanted)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("now", NOON),
        ("90s", NOON - 90),
        ("1h", NOON - 3600),
        ("1.5h", NOON - 5400),
        ("7d", NOON - 7 * 86400),
        ("1795462080", 1_795_462_080.0),
        ("1795462080.5", 1_795_462_080.5),
        ("2026-11-29T18:00", 1_795_975_200.0),
        ("2026-11-29T18:00+01:00", 1_795_971_600.0),
        ("2026-11-29", 1_795_910_400.0),
    ],
)
def test_a_moment_is_so_long_ago_or_a_date_or_seconds(text: str, when: float) -> None:
    assert moment(text, NOON) == when


def test_a_date_without_a_zone_is_of_this_machine_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-2")  # in POSIX' way: two hours east
    time.tzset()
    try:
        assert moment("2026-11-29T18:00", NOON, is_local=True) == 1_795_975_200.0 - 7200
        assert moment("2026-11-29T18:00+01:00", NOON, is_local=True) == 1_795_971_600.0
        assert moment("2026-11-29T18:00", NOON) == 1_795_975_200.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_date_that_no_clock_can_show_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    try:
        with pytest.raises(ConfigError, match="since must be a date that there is a clock for"):
            moment("0001-01-01", NOON, is_local=True)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "5 parsecs", "nan", "inf", "-1h", "2026-13-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="until must be a duration such as"):
        moment(text, NOON, "until")


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10.0), ("1m", 60.0), ("0.5s", 0.5), ("1h", 3600.0)])
def test_a_step_is_a_duration(text: str, seconds: float) -> None:
    assert length(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "1y", "400d", "-1s", "nan"])
def test_what_is_no_step_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="step must be a duration"):
        length(text)


@pytest.mark.parametrize(
    ("seconds", "most", "step"),
    [
        (3600, 60, 60),
        (3599, 60, 60),
        (3601, 60, 300),
        (60, 60, 1),
        (86400, 60, 1800),
        (86400 * 730, 60, 13 * 86400),
    ],
)
def test_the_usual_step_is_one_that_people_reckon_in(seconds: float, most: int, step: float) -> None:
    assert usual_step(seconds, most) == step


@pytest.mark.parametrize(("since", "until"), [(NOON, NOON), (NOON, NOON - 1), (0.0, NOON)])
def test_times_that_make_no_sense_are_refused(since: float, until: float) -> None:
    with pytest.raises(ConfigError, match="since must be"):
        Question(since, until, 60.0)


@pytest.mark.parametrize("filter", ["status:down", "cpu>5 host:orthanc", "not (address:10.* or cpu>5)"])
def test_what_is_not_kept_cannot_be_asked_about(filter: str) -> None:
    with pytest.raises(ConfigError, match=r"of the past it is not known what the (status|host|address)"):
        Question(NOON, NOON + 1, 1.0, wanted=parse(filter))


def test_nodes_are_chosen_by_globs() -> None:
    assert chosen(["a-1", "a-2", "b-1"], ("a-*",)) == ["a-1", "a-2"]
    assert chosen(["a-1", "b-1"], ()) == ["a-1", "b-1"]


def test_the_answer_has_a_series_for_each_node_and_metric(store: MemoryStore) -> None:
    found = answer(store, ask(store, "cpu", "memory", nodes=("web-*",)))

    assert [(one.node, one.metric.key) for one in found] == [
        ("web-1", "host.cpu"),
        ("web-1", "host.memory"),
        ("web-2", "host.cpu"),
        ("web-2", "host.memory"),
    ]
    first = found[0].points[0]
    assert first is not None
    assert (round(first.mean, 3), first.least, first.most) == (0.045, 0.0, 0.09)


def test_as_a_document(store: MemoryStore) -> None:
    question = ask(store, "orders")

    told = document(answer(store, question), question)

    (series,) = told.pop("series")
    assert told == {"version": 1, "since": NOON, "until": NOON + 99, "step": 10.0}
    assert series["points"][1] == [NOON + 10, 14.5, 10.0, 19.0]
    assert (series["node"], series["metric"], series["unit"]) == ("web-1", "custom.orders", "bytes")


def test_a_metric_of_both_is_the_hosts_unless_asked(store: MemoryStore) -> None:
    of = {scope: Question(NOON, NOON + 99, 10.0, ("web-1",), ("cpu",), scope) for scope in ("host", "node", "all")}

    found = {scope: [one.metric.key for one in answer(store, question)] for scope, question in of.items()}

    assert found == {"host": ["host.cpu"], "node": ["node.cpu"], "all": ["host.cpu", "node.cpu"]}


def test_a_metric_that_was_never_kept_is_unknown(store: MemoryStore) -> None:
    with pytest.raises(UnknownMetric, match="colour"):
        answer(store, ask(store, "colour"))


def meant(store: MemoryStore, filter: str, metric: str = "memory") -> list[float]:
    (series,) = answer(store, ask(store, metric, filter=filter))
    return [start - NOON for start, point in zip(series.starts, series.points, strict=True) if point is not None]


@pytest.mark.parametrize(
    ("filter", "starts"),
    [
        ("cpu>80", [80, 90]),
        ("cpu>80 or cpu<10", [0, 80, 90]),
        ("not cpu<80", [80, 90]),
        ("mem>45%", [90]),
        ("mem>40KB", [80, 90]),
        ("node.cpu>5", []),
        ("orders>=90", [90]),
        ("custom.orders>90 web", [90]),
        ("web-2", []),
    ],
)
def test_a_filter_chooses_moments_also_by_metrics_that_are_not_shown(
    store: MemoryStore, filter: str, starts: list[float]
) -> None:
    assert meant(store, filter) == starts


def test_a_filter_by_a_figure_that_nobody_tells_is_a_mistake(store: MemoryStore) -> None:
    with pytest.raises(BadFilter, match="apples"):
        meant(store, "apples>1")
