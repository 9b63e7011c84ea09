"""Real processes killed: payments flow over HTTP while web servers, workers and PostgreSQL die every few seconds."""
