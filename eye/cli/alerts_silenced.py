"""`alerts silence [RULE]`: have nobody told of a rule for some time, wherever rules are asked; or list it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eye.cli.options import Shared


def show_silences(format: str) -> int:
    """Print the silences of this user that are not over yet."""
    from eye.cli.screen import as_json, local_time, write
    from eye.clock import SystemClock
    from eye.monitor.alert_service import silence_file
    from eye.monitor.clean import clean

    at = SystemClock().now()
    left = sorted(one for one in silence_file(os.environ).read() if one.until > at)
    if format == "json":
        write(as_json({"version": 1, "at": at, "silences": [one._asdict() for one in left]}))
        return 0
    for one in left:
        why = f": {one.reason}" if one.reason else ""
        write(clean(f"{one.rule} at {one.node} until {local_time(one.until)}, by {one.by}{why}") + "\n")
    if not left:
        write("nothing is silenced\n")
    return 0


def silence(shared: Shared, rule: str, node: str, seconds: float, reason: str, timeout: float) -> int:
    """Silence a rule: in this user's file, which all their programs here heed, and at all nodes elsewhere."""
    from eye.alerts.silences import Silence
    from eye.alerts.wording import span
    from eye.cli.looking import Lookout
    from eye.cli.screen import tell, write
    from eye.clock import SystemClock
    from eye.errors import ClusterError
    from eye.monitor.alert_service import add_silence, silence_file, who_asks
    from eye.monitor.methods import SILENCE

    at = SystemClock().now()
    add_silence(silence_file(os.environ), Silence(rule, node, at + seconds, reason, who_asks()), seconds, at)
    told, code = ["this user's programs on this machine"], 0
    try:
        with Lookout(shared) as lookout:
            census = lookout.must_look(timeout)
            names = {address: name for name, address in census.routes.items()}
            answers = lookout.ask_all(names, SILENCE, rule, node, float(seconds), reason, timeout=timeout)
        for address, answer in answers.items():
            if answer.error is None:
                told += [names[address]] if answer.value["evaluates"] else []
            elif not isinstance(answer.error, LookupError):  # an older version asks no rules
                tell(str(answer.error))
                code = 3
    except ClusterError:
        pass  # nobody else is there to be told
    said = f"{rule} at {node} is silenced for {span(seconds)}" if seconds else f"{rule} at {node} is told again"
    write(f"{said}: by {', '.join(told)}\n")
    return code
