"""How gunicorn serves an application that has a view in it.

    pip install 'sorcerers-eye[web]'
    gunicorn -c python:eye.web.gunicorn_settings --bind 0.0.0.0:8080 shop:app

One worker, for each would be a monitor of its own with a truth of its own; threads, for each viewer keeps one; and
a SIGTERM that lets the viewers go first, so that the end takes a second and not the 30 that a worker may take to
answer. More viewers than 200: `--threads` with 32 more than `max_clients`.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

worker_class = "gthread"
workers = 1
threads = 232
worker_connections = 1000
keepalive = 30
graceful_timeout = 5
control_socket_disable = True  # (gunicorn 27) it would make a file in somebody's home


def on_starting(server: Any) -> None:
    """Refuse what would show each viewer another truth."""
    if server.cfg.workers != 1:
        raise SystemExit(
            f"the view needs one worker, not {server.cfg.workers}: each would look at the cluster by itself. "
            "Leave --workers and WEB_CONCURRENCY out, and give it more --threads"
        )


def post_worker_init(worker: Any) -> None:
    """Have SIGTERM close the views before gunicorn waits for their threads."""
    before = signal.getsignal(signal.SIGTERM)

    def close_views(number: int, frame: FrameType | None) -> None:
        from eye.web.blueprint import close_all

        close_all()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, close_views)
