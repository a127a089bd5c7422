"""Nodes, and the wire between them: who is there, where, and since when.

Read in this order: node, interconnect, each, frames, codec, security, channel, certificates, tls, dispatch,
conversation, traffic, sockets, lookup, line, switchboard, engines, exchange, registry, news, contacts, known,
teachers, membership, interfaces, reachable, members, registry_service, discovery, finder,
parcels, remote_words, served_session, remote_service, remote_errands, remote_sessions,
remote_desk, cluster_names, remote.
"""
