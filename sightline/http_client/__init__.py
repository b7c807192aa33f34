"""What every client of a web service needs: a session, reading headers, hiding secrets."""
