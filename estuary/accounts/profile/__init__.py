"""A person's own profile: what the API shows of it, what the person changes, and how names and addresses are checked."""
