"""What is put into the mailbox of a process that lives elsewhere, made ready to cross.

It is packed in the sender's thread, at the moment of sending: so the server gets it as it was then, and
whoever sends what cannot be copied is told so at once, instead of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.errors import CannotCross
from eye.supervision.border import CALL, CAST, ITEM
from eye.supervision.messages import (
    Caller,
    Cast,
    Down,
    Exit,
    IdleCheck,
    Info,
    OfProcess,
    PackedCast,
    PackedInfo,
    Stopping,
    SystemRequest,
    Wake,
)
from eye.supervision.reasons import Reason

if TYPE_CHECKING:
    from eye.supervision.border import Border

_FRAMEWORK_OWN = frozenset({Down, Exit, IdleCheck, Wake})


def pack(border: Border, item: Any) -> Any:
    """Answer what shall lie in the mailbox for `item`.

    Raises:
        CannotCross: it can be neither copied nor lent.
    """
    kind = type(item)
    if isinstance(item, Caller):
        item.packed = border.dumps((CALL, item, item.request), about=item.request)
        return item
    if kind is Info:
        info = PackedInfo(item.message)
        info.packed = border.dumps((ITEM, item), about=item.message)
        return info
    if kind is SystemRequest:
        if not isinstance(item.what, (OfProcess, Stopping)):  # those do not cross
            border.dumps(item.what)
        return item
    if kind in _FRAMEWORK_OWN:
        return item
    message = item.message if kind is Cast else item
    cast = PackedCast(message)
    cast.packed = border.dumps((CAST, message), about=message)
    return cast


def dumps_anyhow(border: Border, message: tuple[int, Any]) -> bytes:
    """Pack what the framework itself has to say: a reason that cannot be copied goes as its text."""
    try:
        return border.dumps(message)
    except CannotCross:
        what, item = message
        if isinstance(item, Reason):
            return border.dumps((what, _as_text(border, item)))
        return border.dumps((what, item._replace(reason=_as_text(border, item.reason))))


def _as_text(border: Border, reason: Reason) -> Reason:
    try:
        border.dumps(reason)
    except CannotCross:
        return Reason(reason.word, str(reason.detail))
    return reason
