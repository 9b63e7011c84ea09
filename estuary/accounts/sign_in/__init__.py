"""How people enter: sessions and tokens of the API, limits on guesses, known browsers, passwords hashed in turns."""
