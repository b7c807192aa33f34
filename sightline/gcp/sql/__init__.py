"""The whole job inside BigQuery: models are asked by statements, and no worker leases a message.

Each statement is a file in ``statements``; what stands in its braces is a checked name or a piece
of SQL made here, and every value of a person's is a bound parameter.
"""
