"""The board: what is said of a node goes with it."""

from __future__ import annotations

from eye.cluster.node import Member, Status
from eye.monitor.board import Board
from eye.monitor.methods import Event
from eye.testing import ManualClock


def test_what_comes_of_a_node_when_it_is_gone_is_not_kept() -> None:
    board = Board(ManualClock())
    board.put_members([Member("a", "127.0.0.1:1", "boot-1", 0.0, Status.UP, 0.0, 0.0)])
    board.put_members([])

    board.put_every("a", 1.0)
    board.put_trail("a", {"host.cpu": [(0.5, 0.5, 0.5)]})
    told = board.unheard("a", "boot-1", [Event(1, {"what": "gave_up"})])

    assert (told, board.trail("a", "host.cpu")) == ([], [])
    assert (board._every, board._trails, board._heard) == ({}, {}, {})
