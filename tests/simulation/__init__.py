"""The whole product against the sandbox under one scheduler that owns time, chance and who runs next.

A seed is a story: the same one each time. ``make simulate SEEDS=n`` tells n of them and checks each.
"""
