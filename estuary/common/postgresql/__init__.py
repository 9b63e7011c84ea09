"""Django's PostgreSQL backend, whose connections web requests share so that those who wait for a lock leave room."""
