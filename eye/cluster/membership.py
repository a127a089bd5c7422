"""Who is there: connecting, up, suspect, down. The whole decision, nothing else.

No thread, no clock, no chance, no socket in here. `handle` is told what happened and when, and returns
the steps to take.

                  heard from it                     silent for 3 s
    CONNECTING ------------------> UP ---------------------------------> SUSPECT
        |                          ^ ^---------- heard from it -------------'  |
        | never reached            |                                           | silent for 10 s
        |                          | heard from it                             |
        '----------------------> DOWN <----------------------------------------'
                                   ^
                                   '-- UP or SUSPECT: the connection closed, and dialling again was refused

- **Only its own word makes a node up**: its answer to us, or its announcement. What others say of it
  (hearsay) makes us dial it, no more; and only what is up somewhere is passed on, so that a dead node is
  not talked about for ever.
- **A boot id is one life of a node.** A newer life takes the place of an older one at once; what is
  heard of an older one later is old news.
- **A name belongs to whoever lives under it.** While the connection to its holder stands, another claim
  is refused; of two nodes that find each other under one name, the younger yields, and goes on under a
  name that has a part of its boot id in it.
- **We doubt ourselves first.** A tick that comes late means that this machine slept, and everybody's
  silence is as much shorter.
- **In a large cluster the seeds know.** Beyond `mesh_limit` nodes one announces oneself to the seeds that are
  up, and takes their word for the others; when no seed is up, to everybody again.
- **There is an end.** Beyond `most` nodes a new one is not taken in, and is told so.
- A node that says goodbye is gone at once; one that died is listed as down, dialled now and then, and
  forgotten after an hour, or when a person says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from eye.cluster.contacts import Contact, Contacts
from eye.cluster.known import Known
from eye.cluster.known import Settings as Settings
from eye.cluster.news import (
    AddressFound,
    Announce,
    Announced,
    Answered,
    CallFailed,
    ConnectionLost,
    Crowded,
    Dismissed,
    Forget,
    Full,
    Introduced,
    Left,
    Moment,
    NameConflict,
    NodeDown,
    NodeFound,
    NodeLeft,
    NodeSuspect,
    NodeUp,
    Publish,
    Step,
    Tick,
)
from eye.cluster.node import Member, NodeInfo, Status
from eye.cluster.registry import Digest
from eye.cluster.teachers import Teachers
from eye.errors import NameTaken, NotDown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eye.cluster.news import Change, Event


_TELLS: dict[Status, Callable[[Member], Change]] = {
    Status.SUSPECT: NodeSuspect,
    Status.DOWN: NodeDown,
    Status.CONNECTING: NodeFound,
}
_WORTH_A_CALL = (Status.UP, Status.SUSPECT)  # what somebody else must think of a node before we dial it
_TOMBSTONE = 60.0  # seconds that we remember who said goodbye


class Membership:
    """The nodes as this one sees them. `jitter` gives numbers from 0.0 to 1.0 at random."""

    def __init__(
        self,
        me: NodeInfo,
        jitter: Callable[[], float],
        settings: Settings | None = None,
        *,
        is_hidden: bool = False,
    ) -> None:
        self.me, self.settings = me, settings or Settings()
        self.version = 1  # goes up whenever there is something to tell
        self.is_settled = False
        """Whether this node is past its start: one that meets its name while it starts gives up instead."""
        self._is_hidden = is_hidden
        self._teachers = Teachers(self.settings.mesh_limit, is_hidden=is_hidden)
        self._is_crowded = is_hidden  # who only looks is not what makes a cluster large, so it is told nothing
        self._known: dict[str, Known] = {}
        self._contacts = Contacts(self.settings, jitter)
        self._departed: dict[str, float] = {}  # boot -> when it said goodbye
        self._ticked: float | None = None
        self._steps: list[Step] = []

    def resume(self, members: Iterable[Member], now: Moment) -> None:
        """Go on from what an earlier membership of this node knew, as if it had heard from all just now."""
        for member in members:
            if member.boot == self.me.boot or member.name == self.me.name:
                continue
            self._known[member.name] = Known.from_member(member, now)
            self._contacts.add(member.address, now.steady, member.name)
        # Greater than any that the earlier one can have told, so that nobody takes it for unchanged.
        self.version = int(now.steady * 1000)

    # ----------------------------------------------------------------------------- reading

    def members(self, now: Moment) -> tuple[Member, ...]:
        """Everybody, this node included, by name. The addresses are those that work from here."""
        known = [known.member(known.address) for known in self._known.values()]
        return tuple(sorted([self._myself(now), *known], key=lambda member: member.name))

    def digest(self, now: Moment, known_version: int = 0, claim: NodeInfo | None = None) -> Digest:
        """What to tell somebody who knew that version, and who claims a name (None: who only asks)."""
        taken = self.judge(claim) if claim else None
        full = self._is_full_for(claim) if claim else None
        members = None
        if known_version != self.version:
            known = (known.member(known.info.address) for known in self._known.values())
            members = (self._myself(now), *known)
        return Digest(self.me, now.at, self.version, members, taken.address if taken else None, full)

    def _is_full_for(self, claim: NodeInfo) -> tuple[int, int] | None:
        count, most = len(self._known) + 1, self.settings.most
        is_new = claim.name not in self._known and claim.boot != self.me.boot
        return (count, most) if is_new and count >= most else None

    def judge(self, claim: NodeInfo) -> NameTaken | None:
        """Say whether somebody may have the name that they announce: None if so."""
        if claim.name == self.me.name:
            return None if claim.boot == self.me.boot else NameTaken(claim.name, self.me.address)
        holder = self._known.get(claim.name)
        if holder is None or holder.info.boot == claim.boot or holder.info.address == claim.address:
            return None
        is_older = claim.started_at < holder.info.started_at
        if holder.status is Status.UP and (is_older or self._contacts.is_linked(holder.address)):
            return NameTaken(claim.name, holder.address)
        return None

    def _myself(self, now: Moment) -> Member:
        me = self.me
        return Member(
            me.name, me.address, me.boot, me.started_at, Status.UP, me.started_at, now.at, is_seed=me.is_seed
        )

    # ---------------------------------------------------------------------------- deciding

    def handle(self, event: Event, now: Moment) -> list[Step]:
        """Take in what happened, and say what to do, in that order."""
        _HANDLERS[type(event)](self, event, now)
        steps, self._steps = self._steps, []
        return steps

    def _on_address(self, event: AddressFound, now: Moment) -> None:
        if event.address != self.me.address:
            self._contacts.add(event.address, now.steady)
            self._announce_to_the_due(now)

    def _on_announced(self, event: Announced, now: Moment) -> None:
        info = event.info
        if info.boot == self.me.boot:
            return
        if (taken := self.judge(info)) is not None:
            self._say(NameConflict(info.name, info.address, we_yield=False))
            if taken.address == self.me.address:
                self._contacts.add(info.address, now.steady)  # it may be the older: its answer tells
        elif (full := self._is_full_for(info)) is not None:
            self._say(Full(*full, refused=info.name))
        elif self._hear(info, now) and not self._contacts.is_linked(self._known[info.name].address):
            self._contacts.add(info.address, now.steady, info.name).hurry(now.steady)
        self._announce_to_the_due(now)

    def _on_answered(self, event: Answered, now: Moment) -> None:
        contact, info = self._contacts.get(event.address), event.digest.me
        if contact is None:
            return
        if info.boot == self.me.boot:
            self._contacts.exclude(event.address)
            self._do(Forget(event.address))
            return
        contact.succeed(event.digest, now.steady)
        if info.name == self.me.name and not self._yield_to(info):
            return
        if self._is_full_for(info) is None and self._hear(info, now):
            self._settle_on(contact, self._known[info.name])
        if event.digest.taken_by is not None:
            self._say(NameConflict(self.me.name, event.digest.taken_by, we_yield=False))
            self._contacts.add(event.digest.taken_by, now.steady)  # ask the holder itself
        if event.digest.full is not None:
            self._say(Full(*event.digest.full))
        if info.name in self._teachers.names:
            self._learn(event.digest, now)
        self._introduce(event.digest.members or (), now)

    def _yield_to(self, info: NodeInfo) -> bool:
        """Meet a node of our name; say whether we have another from now on."""
        younger = (self.me.started_at, self.me.boot) > (info.started_at, info.boot)
        name = f"{info.name.partition('~')[0]}~{self.me.boot[:4]}" if younger and self.is_settled else None
        self._say(NameConflict(info.name, info.address, younger, name))
        if name is not None:
            self.me = msgspec.structs.replace(self.me, name=name)
            self.version += 1
        return name is not None

    def _on_failed(self, event: CallFailed, now: Moment) -> None:
        contact = self._contacts.get(event.address)
        if contact is None:
            return
        known = self._named(contact)
        redialled = contact.fail(now.steady)
        if known is not None and known.status in _WORTH_A_CALL and redialled and not event.was_silent:
            self._turn(known, Status.DOWN, now, event.reason)
        elif known is not None and known.status is Status.CONNECTING:
            known.reason = event.reason
        elif known is None and contact.has_failed_for(self.settings.give_up_after, now.steady):
            self._contacts.drop(event.address)
        self._announce_to_the_due(now)

    def _on_lost(self, event: ConnectionLost, now: Moment) -> None:
        contact = self._contacts.get(event.address)
        if contact is not None:
            contact.lose(now.steady)
            self._announce_to_the_due(now)

    def _on_introduced(self, event: Introduced, now: Moment) -> None:
        self._introduce(event.members, now)

    def _on_left(self, event: Left, now: Moment) -> None:
        self._departed[event.boot] = now.steady
        known = self._known.get(event.name)
        if known is not None and known.info.boot == event.boot:
            self._remove(known, "it left")

    def _on_dismissed(self, event: Dismissed, now: Moment) -> None:
        del now
        known = self._known.get(event.name)
        if known is not None and known.status in (Status.DOWN, Status.CONNECTING):
            self._remove(known, "it was dismissed")

    def dismiss(self, name: str) -> bool:
        """Say whether that node is known and may be dismissed.

        Raises:
            NotDown: it lives.
        """
        known = self._known.get(name)
        if name == self.me.name or (known is not None and known.status in _WORTH_A_CALL):
            raise NotDown(name)
        return known is not None

    def _on_tick(self, event: Tick, now: Moment) -> None:
        del event
        self._forgive_what_we_slept_through(now)
        # Teachers first: when one falls silent, those of whom we hear through it are no older than its last word.
        for known in sorted(self._known.values(), key=self._teachers.is_no_teacher):
            self._watch(known, now)
        for boot in [boot for boot, at in self._departed.items() if now.steady - at > _TOMBSTONE]:
            del self._departed[boot]
        self._announce_to_the_due(now)

    # ------------------------------------------------------------------------------- parts

    def _hear(self, info: NodeInfo, now: Moment) -> bool:
        """Take in that a node itself has spoken; say whether it counts."""
        known = self._known.get(info.name)
        if info.boot in self._departed:
            return False
        if known is None:
            self._forget_the_old_name_of(info)
        if known is not None and known.info.boot != info.boot:
            if info.started_at < known.info.started_at and known.status in _WORTH_A_CALL:
                return False  # old news
            self._replace(known, info, now)
            known = None
        if known is None:
            known = self._known[info.name] = Known(info, now)
        known.heard, known.seen_at, known.via = now.steady, now.at, None
        known.info = info
        if known.status is not Status.UP:
            self._turn(known, Status.UP, now)
        return True

    def _forget_the_old_name_of(self, info: NodeInfo) -> None:
        """A node that met another of its name goes by a new one, in the same life."""
        for other in [one for one in self._known.values() if one.info.boot == info.boot]:
            self._remove(other, f"it goes by the name {info.name} now")

    def _replace(self, known: Known, info: NodeInfo, now: Moment) -> None:
        if known.status in _WORTH_A_CALL:
            self._turn(known, Status.DOWN, now, "it was started anew")
        del self._known[info.name]
        if known.address != info.address:
            self._contacts.drop(known.address)
            self._do(Forget(known.address))

    def _settle_on(self, contact: Contact, known: Known) -> None:
        """Keep one of the addresses under which we know a node: the first that works."""
        contact.name = known.info.name
        if contact.address == known.address:
            return
        if self._contacts.is_linked(known.address):
            self._contacts.drop(contact.address)
            self._do(Forget(contact.address))
        else:
            self._contacts.drop(known.address)
            known.address = contact.address

    def _introduce(self, members: Iterable[Member], now: Moment) -> None:
        for member in members:
            known = self._known.get(member.name)
            if known is not None and known.info.boot == member.boot:
                continue  # nearly always, and in a large cluster hundreds are told of at a time
            if member.status not in _WORTH_A_CALL or member.boot == self.me.boot or member.boot in self._departed:
                continue
            if member.name == self.me.name:
                self._contacts.add(member.address, now.steady)
            elif known is None and len(self._known) + 1 < self.settings.most:
                known = self._known[member.name] = Known(member.info, now)
                self._turn(known, Status.CONNECTING, now)
                self._contacts.add(member.address, now.steady, member.name)
            elif known is not None and member.started_at > known.info.started_at:
                self._contacts.add(member.address, now.steady)
        self._announce_to_the_due(now)

    def _watch(self, known: Known, now: Moment) -> None:
        silence = now.steady - known.heard
        settings = self.settings
        if known.status is Status.DOWN:
            if now.steady - known.turned > settings.forget_after:
                self._remove(known, f"it was down for {settings.forget_after:g} s")
        elif known.status is Status.CONNECTING:
            if silence > settings.down_after:
                self._turn(known, Status.DOWN, now, known.reason or "never reached")
        elif known.via is not None and known.status is Status.UP and silence > settings.suspect_after:
            # Nobody tells us of it any more, which says nothing of it: we ask for ourselves.
            known.heard, known.via = now.steady, None
            self._contacts.add(known.address, now.steady, known.info.name).hurry(now.steady)
        elif silence > settings.down_after:
            self._turn(known, Status.DOWN, now, f"silent for more than {settings.down_after:g} s")
        elif silence > settings.suspect_after and known.status is Status.UP:
            self._turn(known, Status.SUSPECT, now, f"silent for more than {settings.suspect_after:g} s")

    def _forgive_what_we_slept_through(self, now: Moment) -> None:
        tick, ticked = self.settings.tick, self._ticked
        self._ticked = now.steady
        if ticked is not None and (late := now.steady - ticked - tick) > tick:
            for known in self._known.values():
                known.heard = min(now.steady, known.heard + late)

    def _turn(self, known: Known, status: Status, now: Moment, reason: str | None = None) -> None:
        before, silent = known.status, now.steady - known.turned
        known.status, known.since, known.turned, known.reason = status, now.at, now.steady, reason
        self.version += 1
        member = known.member(known.address)
        if status is Status.UP:
            again = before in (Status.SUSPECT, Status.DOWN)
            self._say(NodeUp(member, f"heard from again after {silent:.0f} s" if again else "heard from"))
        else:
            self._say(_TELLS[status](member))
        self._choose_teachers(now)

    def _remove(self, known: Known, reason: str) -> None:
        del self._known[known.info.name]
        self._contacts.drop(known.address)
        if not self._is_hidden:
            self._is_crowded = self._is_crowded and len(self._known) + 1 > self.settings.comfort
        self.version += 1
        self._do(Forget(known.address))
        self._say(NodeLeft(known.member(known.address), reason))

    def _named(self, contact: Contact) -> Known | None:
        known = self._known.get(contact.name) if contact.name else None
        return known if known is not None and known.address == contact.address else None

    def _announce_to_the_due(self, now: Moment) -> None:
        for contact in self._contacts.take_due(now.steady, self._is_taught):
            self._do(Announce(contact.address, contact.version))

    def _choose_teachers(self, now: Moment) -> None:
        count = len(self._known) + 1
        if count > self.settings.comfort and not self._is_crowded:
            self._is_crowded = True
            self._say(Crowded(count))
        if self._teachers.choose(self._known.values(), self.me):
            for known in self._known.values():  # from now on we have to ask for ourselves
                if known.via is not None:
                    known.heard, known.via = max(known.heard, now.steady), None

    def _is_taught(self, contact: Contact) -> bool:
        """Whether we need not dial: somebody else tells us of the node there."""
        known = self._named(contact)
        return known is not None and self._teachers.tell_of(known)

    def _learn(self, digest: Digest, now: Moment) -> None:
        for lesson in self._teachers.lessons(digest, self._known.values(), now):
            known, teacher = lesson.known, digest.me.name
            if lesson.member is None:
                self._remove(known, f"it left, says {teacher}")
            elif known.status is not lesson.member.status:
                self._turn(known, lesson.member.status, now, lesson.member.reason)

    def _say(self, change: Change) -> None:
        self._do(Publish(change))

    def _do(self, step: Step) -> None:
        self._steps.append(step)


# What `handle` does with each kind of event.
_HANDLERS: dict[type, Callable[[Membership, Any, Moment], None]] = {
    AddressFound: Membership._on_address,
    Announced: Membership._on_announced,
    Answered: Membership._on_answered,
    CallFailed: Membership._on_failed,
    ConnectionLost: Membership._on_lost,
    Introduced: Membership._on_introduced,
    Left: Membership._on_left,
    Dismissed: Membership._on_dismissed,
    Tick: Membership._on_tick,
}
