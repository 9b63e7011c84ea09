"""A person's own profile: what the API shows of it, what the person changes, and whom receipts name."""
