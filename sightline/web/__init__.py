"""The page of a project, served to browsers; everything it shows comes from the operations."""
