"""Alerts: rules that are asked about every node, what they say, and who is told.

A rule is a condition in the grammar of filters (`eye.metrics.filters.condition`) with times; `rule` decides when
it fires and when it is over, and nothing else does. Nodes come in as `Facts`, plain values: who has them, a live
cluster or a history that is played again, is not known here.

Read in this order: rule, wording, verdict, growth, silences, rules, alert, ledger, explain, replay, places,
tables, kinds, rule_file, news, rule_book, kept, delivery, outbox, sink, leash, sinks, evaluator.
"""
