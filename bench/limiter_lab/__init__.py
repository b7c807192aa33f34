"""Compares limiters in virtual time, on the quotas of the socket simulator."""
