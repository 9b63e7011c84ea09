"""Staff: their sign-in with a second factor, the trail of what they do, and their search."""
