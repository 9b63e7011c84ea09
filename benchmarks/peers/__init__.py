"""What a user would pick instead of Estuary, each a Django project of its own behind the same web server."""
