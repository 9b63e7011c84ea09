"""What an oracle says when an invariant does not hold."""


class InvariantViolation(BaseException):
    """An invariant that does not hold; ``rule`` names it, the same for every seed that breaks it.

    No Exception, so that no handler in the product takes it for a failure of its own.
    """

    def __init__(self, rule: str, evidence: object) -> None:
        super().__init__(f"{rule}: {evidence}")
        self.rule = rule
