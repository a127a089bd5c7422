"""What one node knows of all of them, and the one thing that every screen sees: the view.

Read in this order: methods, pace, config, node_view, samples, document, clean, prometheus, event_log, garbage,
pykka_actors, album, process_list, handling, pollers, agent, alert_service, alerting, board, chronicle, sayings,
watch, collector, roster, parts, tree, sightings, past, last_hours, history_moments, looking_back,
history_document, view, causes, remembering, node, embedding, tally, census.
"""
