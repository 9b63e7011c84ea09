"""How people enter: sessions, limits on guesses, known browsers, and passwords hashed in turns."""
