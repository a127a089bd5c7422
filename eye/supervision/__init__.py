"""Processes that crash alone, and supervisors that start them again: Erlang/OTP's ideas, in Python.

Read in this order: reasons, via, delay, mailbox, child_spec, restart_window, policy, incidents, answers,
running, messages, deadlocks, failures, ending, backlog, ref, inbox, events, bounded_inbox, shown, reports,
attention, threads, process, spawning, timers, entries, names, debugging, system, abilities, gen_server,
children, caretaker, restarter, supervisor, dynamic_supervisor, partition_supervisor, tree_text, introspection,
process_info, pubsub, registry, outside, agent, task_process, task, task_stream, task_supervisor, affinity, border,
crossing, standins, isolated_child, zygote, fork_server, packing, errands, isolated.

    reasons … incidents              to say and to decide: values and pure functions, in which nothing runs
    answers … reports                what passes between processes, and what is told of them; `ref` is all
                                     that one holds of a process
    attention … system               where a mailbox meets a thread: `process`, the one file that knows Pykka
    abilities, gen_server            a process with state: what you write
    children … partition_supervisor  a process that starts others, and carries out what `policy` decides
    tree_text … process_info         looking at all of it, from outside
    pubsub … task_supervisor         what else can be built of these
    affinity … isolated              other CPUs, or one alone; processes in OS processes of their own

Each file stands on those before it (a test sees to it), so a first reader may stop after any line.
"""

from eye.supervision.affinity import OneCpu as OneCpu
from eye.supervision.affinity import keep_on_one_cpu as keep_on_one_cpu
from eye.supervision.agent import Agent as Agent
from eye.supervision.answers import Continue as Continue
from eye.supervision.answers import Ignore as Ignore
from eye.supervision.answers import NoReply as NoReply
from eye.supervision.answers import Reply as Reply
from eye.supervision.answers import Stop as Stop
from eye.supervision.attention import MessageIn as MessageIn
from eye.supervision.attention import ReplyOut as ReplyOut
from eye.supervision.attention import Statistics as Statistics
from eye.supervision.child_spec import ChildSpec as ChildSpec
from eye.supervision.child_spec import Restart as Restart
from eye.supervision.child_spec import Shutdown as Shutdown
from eye.supervision.child_spec import Strategy as Strategy
from eye.supervision.debugging import Status as Status
from eye.supervision.debugging import get_state as get_state
from eye.supervision.debugging import get_status as get_status
from eye.supervision.debugging import replace_state as replace_state
from eye.supervision.debugging import resume as resume
from eye.supervision.debugging import statistics as statistics
from eye.supervision.debugging import suspend as suspend
from eye.supervision.debugging import trace as trace
from eye.supervision.delay import Delay as Delay
from eye.supervision.dynamic_supervisor import DynamicSupervisor as DynamicSupervisor
from eye.supervision.entries import Entry as Entry
from eye.supervision.entries import Registered as Registered
from eye.supervision.entries import Unregistered as Unregistered
from eye.supervision.gen_server import GenServer as GenServer
from eye.supervision.mailbox import Mailbox as Mailbox
from eye.supervision.mailbox import Overflow as Overflow
from eye.supervision.messages import Caller as Caller
from eye.supervision.messages import Down as Down
from eye.supervision.messages import Exit as Exit
from eye.supervision.messages import IdleTimeout as IdleTimeout
from eye.supervision.messages import Request as Request
from eye.supervision.partition_supervisor import PartitionSupervisor as PartitionSupervisor
from eye.supervision.process import Inbox as Inbox
from eye.supervision.process import Ref as Ref
from eye.supervision.process import current as current
from eye.supervision.process_info import ProcessInfo as ProcessInfo
from eye.supervision.process_info import process_info as process_info
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
from eye.supervision.registry import Registry as Registry
from eye.supervision.supervisor import Supervisor as Supervisor
from eye.supervision.system import System as System
from eye.supervision.task import Exited as Exited
from eye.supervision.task import Ok as Ok
from eye.supervision.task import Task as Task
from eye.supervision.task import TaskDone as TaskDone
from eye.supervision.task_stream import async_stream as async_stream
from eye.supervision.task_supervisor import TaskSupervisor as TaskSupervisor
from eye.supervision.via import Via as Via
