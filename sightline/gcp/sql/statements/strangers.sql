-- How many of those told of were not taken: no parts of the batch, or answered before.
SELECT COUNT(*)
FROM {said}
WHERE part_key NOT IN (SELECT part_key FROM {asked} WHERE pass = @pass)
