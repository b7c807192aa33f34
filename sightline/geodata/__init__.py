"""Exported geodata: coordinate reference systems, areas, and files of GIS programs."""
