"""Processes that crash alone, and supervisors that start them again: Erlang/OTP's ideas, in Python.

Read in this order: reasons, child_spec, restart_window, policy, answers, messages, ref, inbox, reports,
process, timers, registry, events, pubsub, system, gen_server, children, supervisor, dynamic_supervisor,
introspection.

The first four decide and do nothing; `ref` is what one holds of a process; `process` is where a mailbox
meets a thread (and the one file that knows Pykka); the rest stands on those.
"""

from eye.supervision.answers import Continue as Continue
from eye.supervision.answers import Ignore as Ignore
from eye.supervision.answers import NoReply as NoReply
from eye.supervision.answers import Reply as Reply
from eye.supervision.answers import Stop as Stop
from eye.supervision.child_spec import ChildSpec as ChildSpec
from eye.supervision.child_spec import Restart as Restart
from eye.supervision.child_spec import Shutdown as Shutdown
from eye.supervision.child_spec import Strategy as Strategy
from eye.supervision.dynamic_supervisor import DynamicSupervisor as DynamicSupervisor
from eye.supervision.gen_server import GenServer as GenServer
from eye.supervision.messages import Caller as Caller
from eye.supervision.messages import Down as Down
from eye.supervision.messages import Exit as Exit
from eye.supervision.messages import IdleTimeout as IdleTimeout
from eye.supervision.process import Inbox as Inbox
from eye.supervision.process import Ref as Ref
from eye.supervision.process import current as current
from eye.supervision.pubsub import PubSub as PubSub
from eye.supervision.reasons import KILL as KILL
from eye.supervision.reasons import KILLED as KILLED
from eye.supervision.reasons import NOPROC as NOPROC
from eye.supervision.reasons import NORMAL as NORMAL
from eye.supervision.reasons import SHUTDOWN as SHUTDOWN
from eye.supervision.reasons import Crash as Crash
from eye.supervision.reasons import ProcessExit as ProcessExit
from eye.supervision.reasons import Reason as Reason
from eye.supervision.reasons import shutdown as shutdown
from eye.supervision.supervisor import Supervisor as Supervisor
from eye.supervision.system import System as System
