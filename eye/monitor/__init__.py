"""What one node knows of all of them, and the one thing that every screen sees: the view.

Read in this order: config, node_view, document, clean, prometheus, methods, agent, board, collector, roster,
parts, tree, view, node, embedding, chronicle, tally, census.
"""
