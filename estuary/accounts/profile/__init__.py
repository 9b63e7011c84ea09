"""A person's own profile: what the API shows of it, what is changed, and how names and addresses are checked."""
