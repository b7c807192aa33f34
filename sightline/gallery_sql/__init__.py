"""Browses an image table in SQL: facets, pages, places and neighbours, for every SQL engine."""

from sightline.gallery_sql.browsing import BrowsedImages, Statement
from sightline.gallery_sql.columns import ImageColumn, ImageTable, Version, versions_of
from sightline.gallery_sql.statements import GalleryDialect, Row

__all__ = [
    "BrowsedImages",
    "GalleryDialect",
    "ImageColumn",
    "ImageTable",
    "Row",
    "Statement",
    "Version",
    "versions_of",
]
