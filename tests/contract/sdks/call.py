"""One call of the API, for an SDK of any language."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Call:
    """A call: `method` is Python's name; `$name` in ids and params is the id of what an earlier call saved."""

    endpoint: str
    method: str
    ids: tuple[str, ...] = ()
    params: dict[str, Any] = dataclasses.field(default_factory=dict)
    save: str = ""
    # Node's name, where it is not Python's in camel case.
    node: str = ""
    # The status of the refusal that belongs to the endpoint.
    refused: int = 0

    @property
    def raw_path(self) -> str:
        """The path of a call that no SDK has a method for; empty in the others."""
        return self.endpoint.partition(" ")[2] if self.method == "raw" else ""
