"""The command line: parse, ask, show, exit code. One module for each command.

Read in this order: main, group, options, settings, screen, looking, fetch, globs, forms, alone, nodes, tree,
kill, start, foreground, logs, web, demo.

A command's module imports what it needs inside the command. Whoever types `fetch` waits for no Flask.
"""
