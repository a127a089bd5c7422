"""The engines: what carries requests between nodes. `interconnect` says what each of them promises.

Read in this order: memory, network, refusals, wire, listener, server, manager.
"""
