"""Maps as people export them: coordinate reference systems, areas, and files of GIS programs."""
