"""The cluster in a browser: a page, a JSON API and a WebSocket that mount in any Flask application.

    app.register_blueprint(eye.web.create_blueprint(node), url_prefix="/eye")

Importing this package imports no Flask; naming what it offers does.

Read in this order: feed, encoder, nodes, one_node, publisher, meter, guards, seals, links, answers, once,
secret_files, assets, login, options, doorkeeper, socket_route, page, hub, acting, history_api, api, blueprint,
late, exchange, line, relay, validity, certificate, lobby, server, service, gunicorn_settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eye.web.blueprint import close_all as close_all
    from eye.web.blueprint import create_app as create_app
    from eye.web.blueprint import create_blueprint as create_blueprint
    from eye.web.server import WebServer as WebServer
    from eye.web.service import serve as serve

_HOME = {
    "close_all": "eye.web.blueprint",
    "create_app": "eye.web.blueprint",
    "create_blueprint": "eye.web.blueprint",
    "WebServer": "eye.web.server",
    "serve": "eye.web.service",
}

__all__ = ["WebServer", "close_all", "create_app", "create_blueprint", "serve"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
