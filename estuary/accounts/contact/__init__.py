"""How people are called and reached: the rules for names, e-mail addresses and postal addresses."""
