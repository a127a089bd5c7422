"""What was: every sample of every node, in a database, finely for a day and coarsely for years.

Read in this order: retention, points, packing, batches, store, memory_store, aside, database, troubles, schema,
opened, sql_reading, sql_thinning, sql_tidy, sql_store, keeping, gaps, writer.
"""
