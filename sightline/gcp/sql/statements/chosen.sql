-- Returns the chosen parts with their images, for requests that are made outside BigQuery.
SELECT part_key, images
FROM {chosen_table}
ORDER BY part_key
