"""The command line: parse, ask, show, exit code. One module for each command.

Read in this order: main, group, options, settings, globs, looking, screen, foreground, then the commands
fetch, alone, nodes, tree, kill, start, web, demo.

A command's module imports what it needs inside the command. Whoever types `fetch` waits for no Flask.
"""
