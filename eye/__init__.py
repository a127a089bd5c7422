"""A supervision framework for Python, and the observer that makes it visible.

Read in this order: errors, clock, supervision, testing, cluster, metrics, history, alerts, monitor, exporters,
web, tui, demo, cli.

    from eye import ChildSpec, GenServer, Supervisor, Strategy      # the framework
    import eye; node = eye.start_node("orders-worker")              # this program becomes observable

What is named here is loaded on first use: `import eye` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eye.monitor.embedding import start_node as start_node
    from eye.monitor.embedding import stop_node as stop_node
    from eye.supervision import *  # noqa: F403

_FRAMEWORK = (
    "KILL",
    "KILLED",
    "NOPROC",
    "NORMAL",
    "SHUTDOWN",
    "Agent",
    "Caller",
    "ChildSpec",
    "Continue",
    "Crash",
    "Delay",
    "Down",
    "DynamicSupervisor",
    "Entry",
    "Exit",
    "Exited",
    "GenServer",
    "IdleTimeout",
    "Ignore",
    "Inbox",
    "Mailbox",
    "MessageIn",
    "NoReply",
    "Ok",
    "OneCpu",
    "Overflow",
    "PartitionSupervisor",
    "ProcessExit",
    "ProcessInfo",
    "PubSub",
    "Reason",
    "Ref",
    "Registered",
    "Registry",
    "Reply",
    "ReplyOut",
    "Request",
    "Restart",
    "Shutdown",
    "Statistics",
    "Status",
    "Stop",
    "Strategy",
    "Supervisor",
    "System",
    "Task",
    "TaskDone",
    "TaskSupervisor",
    "Unregistered",
    "Via",
    "async_stream",
    "current",
    "get_state",
    "get_status",
    "keep_on_one_cpu",
    "process_info",
    "replace_state",
    "resume",
    "shutdown",
    "statistics",
    "suspend",
    "trace",
)
_HOME = {
    **dict.fromkeys(_FRAMEWORK, "eye.supervision"),
    "start_node": "eye.monitor.embedding",
    "stop_node": "eye.monitor.embedding",
}
_PACKAGES = ("supervision", "testing", "cluster", "metrics", "monitor", "exporters", "web", "errors", "clock")

__all__ = [*_FRAMEWORK]  # what `from eye import *` gives where there is Pykka and nothing else

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _PACKAGES:
        return import_module(f"eye.{name}")
    raise AttributeError(f"module 'eye' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_PACKAGES})
