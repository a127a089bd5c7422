"""An application that is made when the first request comes.

Flask with all that it takes along is 14 MB, and most nodes that serve a view are never looked at. So a node's own
server listens at once, and makes the application for whoever comes first, who waits a fifth of a second for it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask


class LateApp:
    """A WSGI application that is another one, once that is needed. For any number of threads."""

    def __init__(self, make: Callable[[], Flask], max_viewers: int) -> None:
        """`make` has to succeed: what could be wrong with an application is said before a server listens for it.

        Args:
            max_viewers: how many may watch it at a time.
        """
        self._make = make
        self._making = threading.Lock()
        self.made: Flask | None = None
        """The application, if it was needed by now."""
        self.max_viewers = max_viewers

    @classmethod
    def of(cls, app: Flask) -> LateApp:
        """Wrap one that is there already."""
        late = cls(lambda: app, app.extensions["eye"].publisher.max_viewers)
        late.made = app
        return late

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if (app := self.made) is None:
            with self._making:
                app = self.made = self.made or self._make()
        return app.wsgi_app(environ, start_response)
