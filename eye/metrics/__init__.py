"""What a node measures: of its machine (scope host) and of itself (scope node).

A `Sample` is what one node said at one moment. The `catalogue` is the one table of everything that
is in it; whoever shows figures reads names, units and words there. A `Probe` takes the readings:
`PsutilProbe` from the operating system, `ScriptedProbe` from what a test or a demo wrote down.

Read in this order: sample, catalogue, custom, admission, filter_words, filter_meaning, filter_reader, filters,
recent, probe, rates, rarely, family, control_group, psutil_rarely, psutil_probe, scripted_probe, own_figures,
sampler.
"""
