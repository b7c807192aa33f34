"""Runs a whole job inside BigQuery: statements call the models, and no worker leases a message.

Each statement is a file in ``statements``. Its placeholders are filled with checked names or with
SQL built here; every value from a user is a bound parameter.
"""
