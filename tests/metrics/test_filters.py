"""One language says which nodes are meant, in every command, screen and rule."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.errors import BadFilter
from eye.metrics.catalogue import Metric
from eye.metrics.custom import metric
from eye.metrics.filter_words import glob_expression
from eye.metrics.filters import condition, parse
from eye.metrics.sample import About, HostReading, ProcessReading

GB = 1024**3


@dataclass
class Node:
    name: str
    status: str = "up"
    address: str = "127.0.0.1:41873"
    host: HostReading | None = None
    process: ProcessReading | None = None
    custom: dict[str, int | float] = field(default_factory=dict)


def node(name: str, *, cpu: float | None = 0.5, used: int = 2 * GB, rss: int = GB // 4, **more: object) -> Node:
    host = HostReading("Orthanc", used, 4 * GB, cpu, 4, 0.5, 100, 7200.0)
    process = ProcessReading(4242, rss, 0.01, 12, 17, 3, 60.0)
    return Node(name, host=host, process=process, **more)  # type: ignore[arg-type]


BUSY = node("web-1", cpu=0.9)
CALM = node("web-2", cpu=0.1, used=GB, address="10.0.0.7:4711")
GONE = node("db-1", cpu=0.99, status="down")
NEW = Node("db-2", status="connecting", address="[::1]:4711")
ALL = (BUSY, CALM, GONE, NEW)

MEANS = {
    "": "web-1 web-2 db-1 db-2",
    "   ": "web-1 web-2 db-1 db-2",
    "*": "web-1 web-2 db-1 db-2",
    "web-*": "web-1 web-2",
    "WEB-*": "web-1 web-2",
    "eb": "web-1 web-2",
    "web": "web-1 web-2",
    "?b-1": "db-1",
    "*-[!1]": "web-2 db-2",
    "[dw]*-1": "web-1 db-1",
    '"web-1"': "web-1",
    '"*"': "",
    "node:db-*": "db-1 db-2",
    "status:down": "db-1",
    "STATUS:Down": "db-1",
    "status:up web-1": "web-1",
    "not status:up": "db-1 db-2",
    "-web-* !db-2": "db-1",
    "host:orth*": "web-1 web-2 db-1",
    "address:10.*": "web-2",
    "address:10.0.0.7:4711": "web-2",
    "address:[::1]:*": "db-2",
    "cpu>80": "web-1",
    "cpu > 80%": "web-1",
    "cpu>=90": "web-1",
    "cpu<80": "web-2",
    "not cpu<80": "web-1 db-1 db-2",
    "mem>1GB": "web-1",
    "memory>=1gib": "web-1 web-2",
    "mem>1024mb": "web-1",
    "mem=1g": "web-2",
    "mem!=1g": "web-1",
    "mem>40%": "web-1",
    "memory_percent>=50": "web-1",
    "node.mem>6%": "web-1 web-2",
    "process.memory_rss>6%": "web-1 web-2",
    "node.mem>1GB": "",
    "host.cpu>80": "web-1",
    "restarts=3": "web-1 web-2",
    "uptime<3h": "web-1 web-2",
    "uptime>2h": "",
    "node.uptime<=1m": "web-1 web-2",
    "load<.6": "web-1 web-2",
    "cpu>80 or status:down": "web-1 db-1",
    "web-* and cpu>80": "web-1",
    "(web-1 or db-1) status:up": "web-1",
    "not (web-1 or db-1)": "web-2 db-2",
    "db-* or web-* cpu<20": "web-2 db-1 db-2",
}


@pytest.mark.parametrize(("text", "names"), MEANS.items(), ids=MEANS)
def test_a_filter_means_these_nodes(text: str, names: str) -> None:
    assert [one.name for one in ALL if parse(text).matches(one)] == names.split()


WRONG = {
    # text: (index of the character, what is said of it)
    "cpu>": (4, "a number is expected after '>'"),
    "cpu>>80": (4, "a number is expected"),
    "cpu>fast": (4, "a number is expected, such as 80"),
    "cpu>80GB": (4, "not given in 'GB'"),
    "mem>1parsec": (4, "is not given in 'parsec', but in: b k kb"),
    "cup>80": (0, "Did you mean 'cpu'"),
    "host.restarts>1": (0, "not measured of the machine"),
    "node.load>1": (0, "not measured of the node"),
    "orders>5": (0, "of a node's own program: custom.orders)"),
    "custom.7up>5": (0, "no program can tell a figure '7up'"),
    "custom.orders>many": (14, "a number is expected"),
    "status:gone": (7, "a status is one of connecting, up, suspect, down"),
    "status:": (7, "a value is expected after status:"),
    "status: down": (8, "a value is expected after status:"),
    "state:down": (0, "before ':' may stand status, node, host, address"),
    "(web-1": (0, "this '(' is never closed"),
    "web-1)": (5, "there is no '(' for this ')'"),
    "web-[12": (4, "this '[' is never closed"),
    '"web': (0, "is never closed"),
    "a or": (4, "the filter ends where"),
    "or a": (0, "'or' stands where"),
    "not": (3, "the filter ends where"),
    "> 80": (0, "'>' stands where"),
    "()": (1, "')' stands where"),
    "(" * 60 + "a" + ")" * 60: (50, "50 deep at most"),
    "a" * 1001: (1000, "at most 1000 characters"),
    "cpu>80 for 30s": (7, "for belongs to an alert rule; a filter looks at this moment"),
    "restarts>5 in 1m": (11, "in belongs to an alert rule"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=[text[:20] for text in WRONG])
def test_a_bad_filter_is_told_with_the_character_that_is_wrong(text: str, said: tuple[int, str]) -> None:
    with pytest.raises(BadFilter, match=re.escape(said[1])) as refused:
        parse(text)

    assert refused.value.at == said[0]


RULES = {
    # text: (meaning, for, keep)
    "cpu > 90 for 30s": (["compare", "host", "cpu_percent", ">", 90.0], 30.0, None),
    "memory_percent > 85 for 1m": (["share", "host", "memory_used", "memory_total", ">", 85.0], 60.0, None),
    "status:down for 10s": (["status", "down"], 10.0, None),
    "restarts > 5 in 1m": (["grew", "process", "restarts", ">", 5.0, 60.0], None, None),
    "mailbox > 1000": (["compare", "process", "mailbox", ">", 1000.0], None, None),
    "absent for 1.5m": (["absent"], 90.0, None),
    "ABSENT not status:down FOR 1h": (["all", ["absent"], ["not", ["status", "down"]]], 3600.0, None),
    "cpu>90 keep 2m for 1m": (["compare", "host", "cpu_percent", ">", 90.0], 60.0, 120.0),
    "restarts>5 in 1m or cpu>99 for 5s": (
        ["any", ["grew", "process", "restarts", ">", 5.0, 60.0], ["compare", "host", "cpu_percent", ">", 99.0]],
        5.0,
        None,
    ),
    '"absent"': (["match", "node", "absent"], None, None),
}


@pytest.mark.parametrize(("text", "meant"), RULES.items(), ids=RULES)
def test_the_condition_of_a_rule_is_a_filter_with_times(text: str, meant: tuple[object, ...]) -> None:
    assert condition(text)[1:] == meant


WRONG_RULES = {
    "": (0, "a rule needs a condition"),
    "for 1m": (0, "'for' stands where"),
    "cpu>90 for": (10, "a duration is expected after for, such as 30s"),
    "cpu>90 for tea": (11, "a duration is expected after for"),
    "cpu>90 for 30s for 1m": (15, "for is said twice"),
    "cpu>90 for 30s mem>1GB": (15, "for and keep stand at the end"),
    "(cpu>90 for 30s)": (8, "outside of brackets"),
    "cpu>90 in 1m": (7, "'in' is said of what counts up, and cpu does not"),
    "restarts>5 in 0s": (14, "more than no time"),
    "cpu>90 for 400d": (11, "a year at most"),
    "cpu>90 for 30s)": (14, "there is no '(' for this ')'"),
    "a" * 1001: (1000, "at most 1000 characters"),
}


@pytest.mark.parametrize(("text", "said"), WRONG_RULES.items(), ids=[text[:20] for text in WRONG_RULES])
def test_a_bad_condition_is_told_with_the_character_that_is_wrong(text: str, said: tuple[int, str]) -> None:
    with pytest.raises(BadFilter, match=re.escape(said[1])) as refused:
        condition(text)

    assert refused.value.at == said[0]


def test_the_words_of_times_are_names_in_a_filter() -> None:
    assert parse("for in keep absent").data == [
        "all", *(["match", "node", word] for word in ("for", "in", "keep", "absent"))
    ]  # fmt: skip


def test_a_bad_filter_is_pointed_at() -> None:
    with pytest.raises(BadFilter) as refused:
        parse("web-* cpu>fast")

    assert refused.value.pointed == "web-* cpu>fast\n          ^"


def test_a_node_that_is_down_has_no_figures() -> None:
    assert GONE.host is not None
    assert not parse("cpu>1").matches(GONE)
    assert not parse("mem>1%").matches(GONE)


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_at_one_of_its_characters(text: str) -> None:
    try:
        found = parse(text)
    except BadFilter as refused:
        assert 0 <= refused.at <= len(text)  # noqa: PT017
    else:
        json.dumps(found.data)
        for one in ALL:
            found.matches(one)
    try:
        condition(text)
    except BadFilter as refused:
        assert 0 <= refused.at <= len(text)  # noqa: PT017


@given(st.text(alphabet='ab-1*?[]!"():<>=%. ', max_size=25))
def test_texts_that_look_like_filters_too(text: str) -> None:
    test_any_text_is_understood_or_refused_at_one_of_its_characters.hypothesis.inner_test(text)  # type: ignore[attr-defined]


@given(
    st.text(alphabet="ab1", min_size=1, max_size=4),
    st.from_regex(r"[ab1](\*|\?|[ab1]|\[!?[ab1]{1,2}\]){0,5}\*", fullmatch=True),
)
def test_a_glob_means_what_it_means_in_a_shell(name: str, glob: str) -> None:
    assert parse(glob).matches(Node(name)) == fnmatchcase(name, glob)


# -------------------------------------------------------------------------------- a program's own figures

SHOP = node("shop-1", custom={"orders": 7, "queue": 3 * GB, "hits": 0.85, "delay": 90.0})
STILL = node("shop-2", custom={"orders": 0})
OWN = (
    metric("orders", About("", "count")),
    metric("queue", About("", "bytes")),
    metric("hits", About("", "share")),
    metric("delay", About("", "seconds")),
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("orders>5", "shop-1"),
        ("Custom.Orders>5", "shop-1"),
        ("custom.orders<=5", "shop-2"),
        ("not orders>5", "web-1 shop-2"),
        ("queue>2GB", "shop-1"),
        ("hits>80%", "shop-1"),
        ("hits<0.8", ""),
        ("delay>1m shop-*", "shop-1"),
    ],
)
@pytest.mark.parametrize("own", [OWN, None], ids=["known", "not yet known"])
def test_an_own_figure_is_compared_in_its_unit_whether_it_is_known_or_not(
    text: str, names: str, own: tuple[Metric, ...] | None
) -> None:
    wanted = parse(text, own)

    assert [one.name for one in (BUSY, SHOP, STILL) if wanted.matches(one)] == names.split()
    wanted.check(OWN)


def test_what_was_presumed_is_checked_when_the_nodes_have_answered() -> None:
    wanted = parse("cpu>5 (web-* or ordres>5) custom.later>1", None)

    assert wanted.presumed == (("ordres", 16),)
    with pytest.raises(BadFilter, match=r"unknown metric 'ordres'.* Did you mean 'orders'") as refused:
        wanted.check(OWN)
    assert refused.value.at == 16


def test_a_node_that_is_down_has_no_own_figure_of_now() -> None:
    gone = node("shop-3", status="down", custom={"orders": 7})

    assert not parse("custom.orders>5").matches(gone)


@given(st.text("ab*?", max_size=12), st.text("abA", max_size=12))
def test_a_glob_means_what_it_means_to_a_shell(glob: str, name: str) -> None:
    means = re.compile(f"^{glob_expression(glob)}$", re.IGNORECASE | re.DOTALL).search(name) is not None

    assert means is fnmatchcase(name.lower(), glob.lower())


def test_a_long_name_that_almost_fits_takes_no_time() -> None:
    began = time.process_time()

    for glob in ("*a*a*a*a*a*a*a*a*b", "*?*?*?*?*?*?*?*?*?b", "*" + "[a-c]*" * 88 + "b"):
        assert not parse(glob).matches(node("a" * 100))

    assert time.process_time() - began < 1.0


def test_there_is_an_end_to_stars() -> None:
    with pytest.raises(BadFilter, match="at most 90"):
        parse("*a" * 91)
