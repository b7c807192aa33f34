"""The ports over BigQuery: observations, ledgers, runs, dead letters and search as tables."""
