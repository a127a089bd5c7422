"""What one node knows of all of them, and the one thing that every screen sees: the view.

Read in this order: node_view, document.
"""
