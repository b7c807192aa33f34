"""Shared by the clients of web services: sessions, headers, redaction."""
