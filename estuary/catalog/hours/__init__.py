"""When practitioners work: weekly windows, and dates with other hours."""
