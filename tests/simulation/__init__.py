"""The whole product against the sandbox under one scheduler that owns time, chance and who runs next.

A seed is a scenario: the same one each time. ``make simulate SEEDS=n`` plays n of them and checks each.
"""
