"""A cluster on this machine, things to break, and a narrator who says what one sees.

Read in this order: local_cluster, narrator, story, stage, show.

Everything in it is real: nodes are OS processes, crashes are exceptions in them, `kill -9` is a SIGKILL.
The demo does nothing that a person could not do by hand in a second terminal.
"""
