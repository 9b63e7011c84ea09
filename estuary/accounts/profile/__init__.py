"""A person's own profile: what the API shows of it, and what the person changes."""
