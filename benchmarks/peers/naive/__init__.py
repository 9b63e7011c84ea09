"""A webhook as most tutorials write it: verify, get the order, save it, add the credits."""
