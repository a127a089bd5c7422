"""A supervision framework for Python, and the observer that makes it visible.

Read in this order: errors, clock, supervision, testing, cluster, metrics, monitor, exporters, web, demo, cli.
"""
