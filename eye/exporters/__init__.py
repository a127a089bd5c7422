"""The nodes as text, for people and for other programs: each format one pure function.

Each takes the nodes and the moment, and returns a string. None of them prints, opens or asks; the
command line and the web view do. JSON and Prometheus are not here: pages give them
out too, so they are the monitor's own (`eye.monitor.document`, `eye.monitor.prometheus`). OpenTelemetry is no
text and is pushed: `otel` has a process for that.

Read in this order: units, text, table, csv_rows, past_text, past_plot, otel.
"""
