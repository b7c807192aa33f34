-- Counts the staged rows that were ignored: not a part of the batch, or answered before.
SELECT COUNT(*)
FROM {staging_table}
WHERE part_key NOT IN (SELECT part_key FROM {responses_table} WHERE pass = @pass)
