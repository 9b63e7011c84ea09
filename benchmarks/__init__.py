"""Measurements that anybody can repeat; each prints what it did and how long it took."""
