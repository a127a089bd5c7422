"""Where a history may be, and what becomes of databases of other versions, or of no use."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DatabaseError

from eye.errors import ConfigError, HistoryOff, HistoryUnusable, SchemaTooNew
from eye.history import database, sql_thinning
from eye.history.aside import identity, set_aside
from eye.history.database import check, default_file, place_of, url_of, what_is_missing
from eye.history.schema import VERSION
from eye.history.sql_store import SqlStore
from eye.history.store import Row
from eye.testing import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.postgres import Postgres

NOON = 1_800_014_400.0
HERE = Path(__file__).parent


def store_at(place: object, **options: bool) -> SqlStore:
    return SqlStore(url_of(str(place)), ManualClock(NOON).now, **options)


# --------------------------------------------------------------------------------- where


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/var/lib/eye.sqlite3", "sqlite:////var/lib/eye.sqlite3"),
        ("sqlite:////var/lib/eye.sqlite3", "sqlite:////var/lib/eye.sqlite3"),
        ("postgresql://eye@db/eye", "postgresql+psycopg://eye@db/eye"),
        ("postgres://eye:pass@db/eye", "postgresql+psycopg://eye:pass@db/eye"),
        ("postgresql+psycopg2://eye@db/eye", "postgresql+psycopg://eye@db/eye"),
    ],
)
def test_a_place_is_a_file_or_a_url(text: str, url: str) -> None:
    assert url_of(check(text)).render_as_string(hide_password=False) == url


@pytest.mark.parametrize("text", ["", "mysql://db/eye", "http://db", "postgresql://", "://"])
def test_other_places_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="history must be off, a file"):
        check(text)


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "postgresql://db:port/eye"])
def test_a_url_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        url_of(text)


def test_no_password_is_shown() -> None:
    with pytest.raises(ConfigError) as refused:
        check("mysql://eye:secret@db/eye")
    assert "secret" not in str(refused.value)
    assert "secret" not in place_of("postgresql://eye:secret@db/eye")
    assert "secret" not in store_at("postgresql://eye:secret@db/eye").place


def test_the_usual_place_is_in_the_users_data_folder() -> None:
    assert default_file({"XDG_DATA_HOME": "/data"}) == Path("/data/sorcerers_eye/history.sqlite3")
    assert default_file({"XDG_DATA_HOME": "data", "HOME": "/home/me"}) == Path(
        "/home/me/.local/share/sorcerers_eye/history.sqlite3"
    )


def test_what_is_missing_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "find_spec", lambda name: None if name == "psycopg" else name)
    assert what_is_missing("/tmp/eye.sqlite3") is None
    assert "sorcerers-eye[postgres]" in str(what_is_missing("postgresql://db/eye"))

    monkeypatch.setattr(database, "find_spec", lambda name: None)
    with pytest.raises(HistoryOff, match=r"pip install 'sorcerers-eye\[history\]'"):
        url_of("/tmp/eye.sqlite3")


def test_the_folder_and_the_file_are_this_users_alone(tmp_path: Path) -> None:
    store = store_at(tmp_path / "new" / "history.sqlite3")
    store.open()
    store.close()

    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "history.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(HistoryUnusable, match="its folder cannot be made"):
        store_at(tmp_path / "file" / "history.sqlite3").open()


def test_who_only_reads_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(HistoryUnusable, match="nothing has been kept there yet"):
        store_at(tmp_path / "history.sqlite3", must_exist=True).open()

    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------- versions


def test_a_database_of_version_1_is_brought_up_to_date_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    with sqlite3.connect(file) as old:
        old.executescript((HERE / "version-1.sql").read_text(encoding="utf-8"))
    old.close()

    store = store_at(file)
    store.open()

    past = store.read("old-node", ["host.cpu", "custom.orders"], since=NOON, until=NOON + 401, step=1)
    figures = [None if point is None else point.mean for point in past.points["host.cpu"]]
    assert figures[:300] == [round((second % 100) / 100, 2) for second in range(300)]
    assert figures[400:] == [0.5, 0.5]
    assert past.points["custom.orders"][299] == (1, 299.0, 299.0, 299.0)
    assert store.claim("me", ["old-node"], NOON + 500, 10.0) == {"old-node"}
    store.describe({"custom.orders": "count"})
    assert store.metrics() == {"custom.orders": "count", "host.cpu": ""}
    store.close()
    with sqlite3.connect(file) as now:
        assert now.execute("SELECT value FROM eye_meta WHERE name = 'version'").fetchone() == (VERSION,)
    now.close()


@pytest.mark.e2e
def test_so_is_one_in_postgresql(postgres: Postgres) -> None:
    url = postgres.new_database()
    first = store_at(url)
    first.write([Row("old-node", NOON, {"host.cpu": 0.5})])
    first.close()
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE eye_nodes DROP COLUMN writer, DROP COLUMN claimed_until")
        connection.execute("ALTER TABLE eye_metrics DROP COLUMN unit")
        connection.execute("UPDATE eye_meta SET value = 1")

    store = store_at(url)
    store.open()

    assert store.nodes() == ("old-node",)
    assert store.claim("me", ["old-node"], NOON, 10.0) == {"old-node"}
    store.close()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.e2e)])
def test_a_database_of_a_later_version_is_refused_and_left_alone(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_file = kind == "sqlite"
    place = tmp_path / "h.sqlite3" if is_file else request.getfixturevalue("postgres").new_database()
    made = store_at(place)
    made.write([Row("a", NOON, {"host.cpu": 0.5})])
    from eye.history.schema import meta

    with made._connection(writes=True) as connection:
        connection.execute(meta.update().values(value=VERSION + 1))
    made.close()
    before = place.read_bytes() if is_file else b""

    with pytest.raises(SchemaTooNew, match=f"version {VERSION + 1}, and this program knows up to {VERSION}"):
        store_at(place).open()

    assert not is_file or place.read_bytes() == before


def test_many_that_begin_at_once_make_one_database(tmp_path: Path) -> None:
    stores = [store_at(tmp_path / "history.sqlite3") for _ in range(8)]
    errors: list[BaseException] = []

    def begin(store: SqlStore, number: int) -> None:
        try:
            store.write([Row(f"n{number}", NOON, {"host.cpu": 0.5})])
        except BaseException as error:  # it is the test's verdict
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(store, number)) for number, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert errors == []
    assert len(stores[0].nodes()) == 8
    for store in stores:
        store.close()


# ------------------------------------------------------------------------------- damage


def damaged(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{file.name}.damaged-*"))


def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    file.write_bytes(b"this is no database at all" * 1000)
    store = store_at(file)

    with pytest.raises(HistoryUnusable, match=r"its file is damaged; it is kept as history.sqlite3.damaged-2027"):
        store.open()
    store.write([Row("a", NOON, {"host.cpu": 0.5})])

    assert store.nodes() == ("a",)
    (kept,) = damaged(file)
    assert kept.read_bytes() == b"this is no database at all" * 1000
    store.close()


def test_a_file_of_another_kind_is_left_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_text("root:x:0:0:root:/root:/bin/bash\n" * 100)

    with pytest.raises(HistoryUnusable, match="it is no SQLite database; name another"):
        store_at(file).open()

    assert damaged(file) == []
    assert file.read_text().startswith("root:")


def test_a_file_that_is_damaged_while_it_is_written_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    store = store_at(file)
    store.write([Row(f"n{number}", NOON, {"host.cpu": 0.5}) for number in range(200)])
    store.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)  # all but the first page
    file.write_bytes(content)
    other = store_at(file)

    with pytest.raises(HistoryUnusable, match="is damaged"):
        other.write([Row(f"m{number}", NOON, {"host.cpu": 0.5}) for number in range(300)])
    other.write([Row("a", NOON, {"host.cpu": 0.5})])

    assert other.nodes() == ("a",)
    assert damaged(file)[0].read_bytes()[4096:] == content[4096:]
    other.close()


def test_who_only_reads_moves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    file.write_bytes(b"this is no database at all" * 1000)

    with pytest.raises(HistoryUnusable, match="its file is damaged"):
        store_at(file, must_exist=True).open()

    assert damaged(file) == []


@pytest.mark.parametrize("has_tables", [True, False])
def test_who_only_reads_changes_nothing_in_a_database_of_others(tmp_path: Path, has_tables: bool) -> None:
    file = tmp_path / "shop.sqlite3"
    with closing(sqlite3.connect(file)) as shop:
        if has_tables:
            shop.execute("CREATE TABLE orders (id INTEGER)")
        else:
            file.touch()
    before = file.read_bytes()

    with pytest.raises(HistoryUnusable, match="it holds no history; nothing has been kept there yet"):
        store_at(file, must_exist=True).open()

    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_what_was_thinned_out_is_given_back_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_thinning, "_MANY_FREE", 8)
    file = tmp_path / "history.sqlite3"
    store = store_at(file)
    for begin in range(0, 3600, 60):
        store.write(
            [
                Row(
                    "a",
                    NOON + begin + at,
                    {f"custom.m{number}": (begin + at * number) % 97 / 7 for number in range(30)},
                )
                for at in range(60)
            ]
        )

    def size() -> int:
        with store._connection() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.stat().st_size

    while store.tidy(NOON + 3700):
        pass
    before = size()
    steps = 0
    while store.tidy(NOON + 800 * 86400):
        steps += 1

    assert size() < before / 3
    assert steps < 30
    store.close()


def test_of_two_that_find_the_damage_one_moves_the_file(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    file.write_text("damaged")
    which = identity(file)

    moved = set_aside(file, which, NOON)
    file.write_text("a new one")
    again = set_aside(file, which, NOON)

    assert moved is not None
    assert moved.read_text() == "damaged"
    assert again is None
    assert file.read_text() == "a new one"


def corrupt() -> DatabaseError:
    cause = sqlite3.DatabaseError("database disk image is malformed")
    cause.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return DatabaseError("SELECT", None, cause)


def test_a_thread_that_finds_the_damage_late_leaves_the_new_file_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    store = store_at(file)
    store.write([Row("before", NOON, {"host.cpu": 0.5})])

    def find_it_late() -> None:
        with store._connection():
            with pytest.raises(HistoryUnusable, match="a new one is begun"), store._connection():
                raise corrupt()
            store.write([Row("after", NOON, {"host.cpu": 0.5})])
            raise corrupt()

    with pytest.raises(HistoryUnusable, match="a new one was begun meanwhile"):
        find_it_late()

    assert len([one for one in damaged(file) if not one.name.endswith(("-wal", "-shm"))]) == 1
    assert store.nodes() == ("after",)
    store.close()


class Interrupted(list[Row]):
    """Rows; something happens before somebody goes through them for the third time."""

    def __init__(self, rows: list[Row], happens: Callable[[], None]) -> None:
        super().__init__(rows)
        self._happens, self._times = happens, 0

    def __iter__(self) -> Iterator[Row]:
        self._times += 1
        if self._times == 3:
            self._happens()
        return super().__iter__()


def test_a_reader_that_finds_the_damage_takes_nothing_from_the_hands_of_the_writer(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    store = store_at(file)

    def read() -> None:
        with pytest.raises(HistoryUnusable, match="a new one is begun"), store._connection():
            raise corrupt()

    store.write(Interrupted([Row("a", NOON, {"host.cpu": 0.5})], read))
    store.write([Row("b", NOON, {"host.memory_used": 1.0}), Row("a", NOON, {"host.cpu": 0.25})])

    past = store.read("a", ["host.cpu"], since=NOON, until=NOON, step=1.0)
    assert [point.mean for point in past.points["host.cpu"] if point] == [0.25]
    store.close()


def test_a_lock_that_somebody_takes_before_room_is_given_back_is_trouble_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_thinning, "_MANY_FREE", 0)
    monkeypatch.setattr(database, "_LOCKED_FOR", 0.01)
    file = tmp_path / "history.sqlite3"
    store = store_at(file)
    store.write([Row("a", NOON, {f"custom.m{number}": float(number) for number in range(1000)})])
    with store._connection(writes=True) as connection:
        connection.exec_driver_sql("CREATE TABLE bulk AS SELECT randomblob(400000)")
        connection.exec_driver_sql("DROP TABLE bulk")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:

        def take_the_lock(statement: str) -> None:
            if "incremental_vacuum" in statement:
                other.execute("BEGIN IMMEDIATE")

        with store._connection() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.set_trace_callback(take_the_lock)

        with pytest.raises(HistoryUnusable, match="another program holds it locked"):
            store.tidy(NOON)
    store.close()


def test_an_earlier_one_that_was_set_aside_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    for text in ("one", "two"):
        file.write_text(text)
        set_aside(file, identity(file), NOON)

    assert sorted(path.read_text() for path in damaged(file)) == ["one", "two"]


def test_a_piece_that_cannot_be_read_is_left_out_of_a_graph(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "history.sqlite3"
    store = store_at(file)
    store.write([Row("a", NOON + at, {"host.cpu": 0.5}) for at in range(900)])
    while store.tidy(NOON + 1000):
        pass
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE eye_stretches SET content = x'00' WHERE since = ?", (int((NOON + 300) * 1000),))
    connection.close()

    past = store.read("a", ["host.cpu"], since=NOON, until=NOON + 899, step=300)
    raw = store.read("a", ["host.cpu"], since=NOON, until=NOON + 899, step=10)

    assert [point is not None for point in past.points["host.cpu"]] == [True, False, True]
    assert raw.points["host.cpu"][0] is not None
    assert "it is left out" in caplog.text
    store.close()


def test_a_folder_that_shows_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(_path: Path, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", hidden)

    with pytest.raises(HistoryUnusable, match=r"its folder lets nobody write.* copy it to another"):
        store_at(tmp_path / "missing" / "history.sqlite3", must_exist=True).open()
