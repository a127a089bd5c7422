"""In a large cluster not everybody asks everybody: whose word is taken, and what follows from it.

Up to `mesh_limit` nodes each announces itself to each. Beyond it, where there are seeds that are up, the others
announce themselves to those alone; what a seed says of a node that we do not hear from ourselves is taken for
true, and `Known.via` says whose word it is. An observer, which is no member and need not be known to anybody,
takes the word of the three oldest nodes where there are no seeds.

A teacher's `UP` counts as a sign of life now; its silence about a node that it had told of means that the node
left. Its own clock is never compared with ours: what it saw so many seconds ago by its clock was so many seconds
ago by ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eye.cluster.node import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from eye.cluster.known import Known
    from eye.cluster.news import Moment
    from eye.cluster.node import Member, NodeInfo
    from eye.cluster.registry import Digest

_ENOUGH = 3  # registries that an observer asks


class Lesson(NamedTuple):
    """What a teacher says of a node; without a member it has left."""

    known: Known
    member: Member | None


class Teachers:
    """The nodes whose word is taken, by name."""

    def __init__(self, mesh_limit: int, *, is_hidden: bool) -> None:
        self._mesh_limit, self._is_hidden = mesh_limit, is_hidden
        self.names: frozenset[str] = frozenset()
        self._lists: dict[str, dict[str, Member]] = {}  # what each told last: that holds until it says otherwise

    def choose(self, everybody: Collection[Known], me: NodeInfo) -> bool:
        """Choose them anew; say whether there were some, and are none now."""
        before, chosen = self.names, set[str]()
        if len(everybody) + 1 > self._mesh_limit and not me.is_seed:
            seeds = [one for one in everybody if one.info.is_seed]
            chosen = {one.info.name for one in seeds if one.status is Status.UP and one.via is None}
            if not chosen and self._is_hidden:
                up = [one for one in everybody if one.status is Status.UP]
                oldest = sorted(up, key=lambda one: (one.info.started_at, one.info.boot))
                chosen = {one.info.name for one in oldest[:_ENOUGH]}
        self.names = frozenset(chosen)
        self._lists = {name: told for name, told in self._lists.items() if name in chosen}
        return bool(before) and not chosen

    def is_no_teacher(self, known: Known) -> bool:
        """Whether its word is not taken for others."""
        return known.info.name not in self.names

    def tell_of(self, known: Known) -> bool:
        """Whether we hear of that node from others, and need not dial it."""
        return known.via in self.names and not self._is_asked(known) and known.status is not Status.DOWN

    def _is_asked(self, known: Known) -> bool:
        """Whether we hear of that node from itself: all seeds, for each may become a teacher."""
        return known.info.is_seed or known.info.name in self.names

    def lessons(self, digest: Digest, everybody: Iterable[Known], now: Moment) -> Iterator[Lesson]:
        """Take the teachers' word for everybody whom we do not hear from ourselves, now that one has spoken."""
        teacher = digest.me.name
        if digest.members is not None:
            self._lists[teacher] = {member.name: member for member in digest.members}
        told = self._lists.get(teacher, {})
        for known in list(everybody):
            if self._is_asked(known):
                continue
            member = told.get(known.info.name)
            if member is None:
                if known.via == teacher:
                    yield Lesson(known, None)
            elif _is_its_word(member, known) and not self._is_contradicted(member, known, teacher):
                age = max(digest.at - member.seen_at, 0.0)  # type: ignore[operator]
                if _believe(known, member, teacher, age, now):
                    yield Lesson(known, member)

    def _is_contradicted(self, member: Member, known: Known, teacher: str) -> bool:
        """Whether another teacher thinks better of a node, as it does who is on our side of a cut."""
        return member.status is not Status.UP and any(
            _is_its_word(other, known) and _BETTER[other.status] > _BETTER[member.status]
            for name, told in self._lists.items()
            if name != teacher and (other := told.get(known.info.name)) is not None
        )


_BETTER = {Status.CONNECTING: 0, Status.DOWN: 1, Status.SUSPECT: 2, Status.UP: 3}


def _is_its_word(member: Member, known: Known) -> bool:
    """Whether a teacher tells what it has heard itself of this life of the node."""
    return member.boot == known.info.boot and member.seen_at is not None and member.via is None


def _believe(known: Known, member: Member, teacher: str, age: float, now: Moment) -> bool:
    """Say whether to take that word: not for a silence that we know to have been broken since."""
    if member.status is not Status.UP and known.via is None and now.steady - age < known.heard:
        return False
    known.via = teacher
    if now.steady - age > known.heard:
        known.heard, known.seen_at = now.steady - age, now.at - age
    if member.status is Status.UP:
        known.heard = now.steady
    return True
