"""What ``sightline tune`` does and says."""
