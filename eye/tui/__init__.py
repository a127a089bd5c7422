"""`observe`: the cluster in a terminal, live.

Every page is lines of text with roles (`cells`), made by a pure function from what the view knows; one widget
(`pane`) paints them, and only those that changed. Textual brings the terminal, the keys and the mouse.

Read in this order: cells, charts, page, moment, nodes_page, tree_page, processes_page, process_page, detail_page,
events_page, alerts_page, sight_page, help_page, hints, deeds, desk, questions, cluster_pages, scene, table,
node_pages, watching, talk, pane, canvas, ask_line, keys, ending, app.
"""
