"""What our own tests use, and yours need too: no test has to sleep, guess, or wait for longer than it takes.

Read in this order: manual_clock, settling, beside, shared, obedient, event_log.

    clock = ManualClock()
    with System(clock=clock) as system:
        beats = system.start(Heartbeats)
        clock.advance(3)
        drain(system)          # every message is handled, every timer that is due has fired
        assert ...

A test that waits for a duration is slow when it passes and wrong when the machine is busy. These wait for
what is bound to happen, and say so if it does not.
"""

from eye.testing.beside import in_thread as in_thread
from eye.testing.event_log import EventLog as EventLog
from eye.testing.manual_clock import ManualClock as ManualClock
from eye.testing.obedient import Answer as Answer
from eye.testing.obedient import Ask as Ask
from eye.testing.obedient import Boom as Boom
from eye.testing.obedient import Do as Do
from eye.testing.obedient import ExitWith as ExitWith
from eye.testing.obedient import Note as Note
from eye.testing.obedient import Obedient as Obedient
from eye.testing.obedient import answer_later as answer_later
from eye.testing.obedient import crash as crash
from eye.testing.obedient import do as do
from eye.testing.obedient import seen as seen
from eye.testing.settling import PATIENCE as PATIENCE
from eye.testing.settling import drain as drain
from eye.testing.settling import until as until
from eye.testing.shared import Gate as Gate
from eye.testing.shared import Log as Log
from eye.testing.shared import Turns as Turns
