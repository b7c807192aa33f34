-- The chosen parts with their images, for whoever asks about them elsewhere.
SELECT part_key, images
FROM {to_ask}
ORDER BY part_key
