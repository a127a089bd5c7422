"""The command line: parse, ask, show, exit code. One module for each command.

Read in this order: options, settings, screen, keeping, pacing, group, main, looking, globs, filtering, forms,
fetch, alone, matrix, nodes, tree, processes, history, receipts, progress, gc, kill, durations, ruling,
alerts_tested, alerts_now, alerts_checked, alerts_silenced, alerts, logs, foreground, serving, start, web,
passwd, observe, demo.

A command's module imports what it needs inside the command. Whoever types `fetch` waits for no Flask.
"""
