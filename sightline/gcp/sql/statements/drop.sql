-- A table of one lot that is done.
DROP TABLE IF EXISTS {table}
