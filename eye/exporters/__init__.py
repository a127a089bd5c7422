"""The nodes as text, for people and for other programs: each format one pure function.

Each takes the nodes and the moment, and returns a string. None of them prints, opens or asks; the
command line and the web view do. JSON is not here: its document is the view's own (`eye.monitor.document`).

Read in this order: clean, units, text, table, csv_rows, prometheus.
"""
