"""Who comes to a date: a page to print, and a file."""
