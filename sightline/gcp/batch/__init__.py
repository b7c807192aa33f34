"""Asks models through Vertex AI batch prediction jobs: slower than calls, at half the price.

The work list, the choice of parts, the responses table and the judging are those of
``sightline.gcp.sql``. This package writes chosen parts as lines of requests into a bucket, lets a
job answer them, and loads the lines of its output into that table.
"""
