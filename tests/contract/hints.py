"""What the annotations of the `stripe` package say, with their forward references resolved."""

import ast
import functools
import importlib
import inspect
import pathlib
import re
from collections.abc import Iterator
from typing import Any, ClassVar, NotRequired, cast, get_args, get_origin, get_type_hints

import stripe
from stripe._object_classes import OBJECT_CLASSES
from stripe._request_options import RequestOptions
from stripe._stripe_object import StripeObject
from typing_extensions import is_typeddict

STRIPE_FOLDER = pathlib.Path(stripe.__file__).parent
# Options of the call (key, version, headers) that the parameter types inherit and that never reach the wire.
CLASS_VARIABLE: Any = ClassVar
REQUESTS = ("_request", "_static_request")
CALL_OPTIONS = frozenset(RequestOptions.__annotations__)


@functools.cache
def names_in(module_name: str) -> dict[str, Any]:
    """Return the names of a module, with those that it imports only while a type checker looks at it."""
    module = importlib.import_module(module_name)
    assert module.__file__ is not None
    names = dict(vars(module))
    for node in ast.parse(pathlib.Path(module.__file__).read_text()).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.body:
                if isinstance(statement, ast.ImportFrom) and statement.module:
                    source = importlib.import_module(statement.module)
                    names |= {a.asname or a.name: getattr(source, a.name) for a in statement.names}
    return names


def _resolve(annotations: dict[str, Any], module_name: str) -> dict[str, Any]:
    carrier = type("Carrier", (), {"__annotations__": annotations})
    return get_type_hints(carrier, globalns=names_in(module_name), include_extras=True)


@functools.cache
def fields_of(cls: type) -> dict[str, Any]:
    """Return the fields of a resource class and their types, those of its base classes included."""
    fields: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if not issubclass(base, StripeObject) or base is StripeObject:
            continue
        own = {
            name: hint
            for name, hint in inspect.get_annotations(base).items()
            if not name.startswith("_") and CLASS_VARIABLE not in (hint, get_origin(hint))
        }
        fields |= _resolve(own, base.__module__)
    return fields


@functools.cache
def params_of(params_type: Any) -> dict[str, tuple[Any, bool]]:
    """Return the keys of a parameter type, each with its type and whether it must be sent."""
    assert is_typeddict(params_type)
    own = {k: v for k, v in inspect.get_annotations(params_type).items() if k not in CALL_OPTIONS}
    params: dict[str, tuple[Any, bool]] = {}
    for name, hint in _resolve(own, params_type.__module__).items():
        optional = cast(Any, get_origin(hint)) is NotRequired
        params[name] = (get_args(hint)[0] if optional else hint, not optional)
    return params


@functools.cache
def class_of(object_name: str) -> type | None:
    """Return the resource class for the value of an `object` key, None if the SDK knows no such object."""
    if object_name not in OBJECT_CLASSES:
        return None
    module_name, class_name = OBJECT_CLASSES[object_name]
    cls = getattr(importlib.import_module(module_name), class_name)
    assert isinstance(cls, type)
    return cls


def _requests_in(method: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for node in ast.walk(method):
        called = node.func if isinstance(node, ast.Call) else None
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        if isinstance(called, ast.Attribute) and called.attr in REQUESTS:
            verb, path = node.args[0], node.args[1]
            if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute):
                path = path.func.value
            if isinstance(verb, ast.Constant) and isinstance(path, ast.Constant):
                yield str(verb.value), str(path.value)


def _params_name(method: ast.FunctionDef) -> str | None:
    keywords = [method.args.kwarg] if method.args.kwarg else []
    for argument in [*method.args.args, *keywords]:
        if argument.arg == "params" and argument.annotation is not None:
            match = re.search(r"\w+Params\b", ast.unparse(argument.annotation))
            return match.group() if match else None
    return None


@functools.cache
def _files_by_resource() -> dict[str, list[pathlib.Path]]:
    """Return, for each resource, the files that call it; all of the package is read for that, so once."""
    paths: dict[str, list[pathlib.Path]] = {}
    # A few calls, such as a charge's refunds, are only in the class of the resource.
    for path in sorted(STRIPE_FOLDER.rglob("_*.py"), key=lambda path: not path.stem.endswith("_service")):
        for resource in set(re.findall(r'"/v1/(\w+)', path.read_text())):
            paths.setdefault(resource, []).append(path)
    return paths


def _services_for(resource: str) -> list[tuple[str, ast.Module]]:
    services = []
    for path in _files_by_resource().get(resource, []):
        relative = path.relative_to(STRIPE_FOLDER.parent).with_suffix("")
        services.append((".".join(relative.parts), ast.parse(path.read_text())))
    return services


def _matches(template: str, path: str) -> bool:
    pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/"))
    return re.fullmatch(pattern, path) is not None


@functools.cache
def _operations(resource: str) -> list[tuple[str, str, str, str | None]]:
    operations = []
    for module_name, tree in _services_for(resource):
        for method in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for verb, template in _requests_in(method):
                operations.append((verb, template, module_name, _params_name(method)))
    # "/v1/customers/search" must win over "/v1/customers/{customer}".
    return sorted(operations, key=lambda operation: operation[1].count("{"))


def params_for(method: str, path: str) -> Any:
    """Return the SDK's parameter type for a method and a path; raises LookupError if it has no such call."""
    resource = path.removeprefix("/v1/").split("/")[0]
    for verb, template, module_name, params_name in _operations(resource):
        if verb == method.lower() and _matches(template, path):
            return names_in(module_name)[params_name] if params_name else None
    raise LookupError(f"the SDK has no call for {method.upper()} {path}")
