"""Looking at a project: its images, live runs, saved views and exports, for pages and programs."""
