"""The call of an endpoint: its parameters, and how endpoint functions read them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from stripe_sandbox.auth import KeyKind
from stripe_sandbox.errors import no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj, Table


@dataclass
class Call:
    """A request to an endpoint, with validated and typed parameters."""

    state: SandboxState
    endpoint: str
    path: str
    ids: dict[str, str]
    params: dict[str, Any]
    version: str
    key_kind: KeyKind = "secret"

    def target(self, table: Table, name: str = "id") -> Obj:
        """Return the object in the path; 404 when it does not exist."""
        obj = table.get(self.ids[name])
        if obj is None:
            raise no_such(table.kind, self.ids[name], table.path_param, in_path=True)
        return obj

    def referred(self, table: Table, name: str) -> Obj | None:
        """Return the object that a parameter names, None without the parameter; 400 when it does not exist."""
        value = self.params.get(name)
        return refer(table, value, name) if value else None


Handler = Callable[[Call], Obj]
Routes = dict[str, Handler]


def refer(table: Table, object_id: str, param: str) -> Obj:
    """Return an object named in a parameter; a missing or deleted one is a 400."""
    obj = table.get(object_id)
    if obj is None or obj.get("deleted"):
        raise no_such(table.kind, object_id, param)
    return obj


def assign(obj: Obj, params: dict[str, Any], names: Iterable[str]) -> None:
    """Set the named fields; an empty string unsets, and metadata is merged."""
    for name in names:
        if name not in params:
            continue
        if name == "metadata":
            merge_metadata(obj, params["metadata"])
        else:
            obj[name] = None if params[name] == "" else params[name]


def merge_metadata(obj: Obj, metadata: Any) -> None:
    """Merge keys, remove those with an empty value, and clear all on an empty string."""
    kept = {} if metadata == "" else (obj.get("metadata") or {}) | metadata
    obj["metadata"] = {key: value for key, value in kept.items() if value != ""}


ADDRESS: Obj = dict.fromkeys(["city", "country", "line1", "line2", "postal_code", "state"])


def address(params: Any) -> Obj | None:
    """Return an address with all its fields, or None."""
    if not params:
        return None
    filled: Obj = ADDRESS | {k: v or None for k, v in params.items()}
    return filled


def shipping(params: Any) -> Obj | None:
    """Return shipping details with all their fields, or None."""
    if not params:
        return None
    blank = {"carrier": None, "name": None, "phone": None, "tracking_number": None}
    filled: Obj = blank | params | {"address": address(params.get("address"))}
    return filled
