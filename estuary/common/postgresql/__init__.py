"""Django's PostgreSQL backend, with admission: web requests that wait for a lock leave connections to others."""
