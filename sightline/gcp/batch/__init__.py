"""Jobs of Vertex AI's batch prediction ask the models: slower than calls, at half of their price.

All but the asking is that of ``sightline.gcp.sql``: the work list, the choice of parts, the table
of what was said, the judging. Here chosen parts become lines of requests in a bucket, a job
answers them, and the lines of its output become rows of that table.
"""
