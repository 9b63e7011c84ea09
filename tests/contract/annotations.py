"""Hold answers and requests to the type annotations that the `stripe` package ships."""

import re
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, Union, cast, get_args, get_origin

from stripe._error_object import ErrorObject
from stripe._list_object import ListObject
from stripe._search_result_object import SearchResultObject
from stripe._stripe_object import StripeObject, UntypedStripeObject
from typing_extensions import is_typeddict

from tests.contract.allowed import CLIENT_PARAMS, UNTYPED_ANSWER_KEYS, UNTYPED_NULLS, is_listed
from tests.contract.hints import class_of, fields_of, params_for, params_of

JSON_TYPES: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
    # The SDK turns the decimal strings of the wire into Decimal.
    Decimal: (str,),
}
CONTAINERS = (ListObject, SearchResultObject)


# A browser sees less of an intent than the server does.
PARTIAL = re.compile(r"(error\.)?(payment|setup)_intent\.\w+: missing")


def check_response(answer: Mapping[str, Any], *, client: bool = False) -> list[str]:
    """Return what is wrong with an answer by the SDK's annotations, a line for each finding, with its key."""
    problems = _check_answer(answer)
    return [line for line in problems if not (client and PARTIAL.fullmatch(line))]


def _check_answer(answer: Mapping[str, Any]) -> list[str]:
    if "error" in answer and "object" not in answer:
        return list(_check_object(answer["error"], ErrorObject, "error"))
    name = str(answer.get("object"))
    if name in ("list", "search_result"):
        items = cast(list[Mapping[str, Any]], answer.get("data", []))
        nested = [f"data[{i}].{line}" for i, item in enumerate(items) for line in check_response(item)]
        return [*_check_object(answer, CONTAINERS[name != "list"], name), *nested]
    cls = class_of(name)
    if cls is None:
        return [f"{name}: the SDK knows no such object"]
    problems = list(_check_object(answer, cls, name))
    if name == "event":
        problems += [f"event.data.{line}" for line in check_response(answer["data"]["object"])]
    return problems


def check_request(method: str, path: str, params: Mapping[str, Any], *, client: bool = False) -> list[str]:
    """Return what is wrong with a request's parameters; `client` adds what only a browser may send."""
    try:
        params_type = params_for(method, path)
    except LookupError as missing:
        return [str(missing)]
    sent = {k: v for k, v in params.items() if not (client and k in CLIENT_PARAMS)}
    if params_type is None:
        return [f"{method} {path}: takes no parameters, got {sorted(sent)}"] if sent else []
    return list(_check_params(sent, params_type, f"{method.upper()} {path}"))


def _check_object(value: Any, cls: type, path: str, element: Any = None) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no object"
        return
    fields = fields_of(cls)
    if value.get("deleted") is True and "deleted" in fields:
        yield from (
            f"{path}.{k}: unknown key of a deleted object" for k in value.keys() - {"id", "object", "deleted"}
        )
        return
    for name, hint in fields.items():
        if value.get(name, "") is None and is_listed(UNTYPED_NULLS, value, path, name):
            continue
        if name in value:
            hint = list[element] if element is not None and name == "data" else hint
            yield from check_value(value[name], hint, f"{path}.{name}")
        elif not _is_optional(hint):
            yield f"{path}.{name}: missing"
    for name in value.keys() - fields.keys():
        if not _is_allowed(path, value, name):
            yield f"{path}.{name}: unknown key"


def _is_allowed(path: str, value: Mapping[str, Any], key: str) -> bool:
    if key == "object":
        # The SDK's list classes do not declare the key that they are recognised by.
        return path.rsplit(".", 1)[-1] == value[key] or value[key] in ("list", "search_result")
    return is_listed(UNTYPED_ANSWER_KEYS, value, path, key)


def _is_optional(hint: Any) -> bool:
    return _is_union(hint) and type(None) in get_args(hint)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def check_value(value: Any, hint: Any, path: str) -> Iterator[str]:
    """Yield what is wrong with a value of an answer by its annotation."""
    origin = get_origin(hint) or hint
    if _is_union(hint):
        yield from _check_union(value, get_args(hint), path)
    elif hint in JSON_TYPES:
        expected = JSON_TYPES[hint]
        if not isinstance(value, expected) or (isinstance(value, bool) and hint is not bool):
            yield f"{path}: {value!r} is no {hint.__name__}"
    elif origin is Literal:
        if value not in get_args(hint):
            yield f"{path}: {value!r} is none of {list(get_args(hint))}"
    elif origin is list:
        yield from _check_list(value, get_args(hint)[0], path)
    elif origin in (dict, UntypedStripeObject):
        yield from _check_mapping(value, get_args(hint), path)
    elif origin in CONTAINERS:
        yield from _check_object(value, origin, path, get_args(hint)[0])
    elif isinstance(origin, type) and issubclass(origin, StripeObject):
        yield from _check_object(value, origin, path)
    elif hint is not Any and hint is not object:
        yield f"{path}: no rule for the annotation {hint!r}"


def _check_list(value: Any, element: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is no list"
        return
    for index, item in enumerate(value):
        if not (element is Any or getattr(element, "__name__", "") == "T"):
            yield from check_value(item, element, f"{path}[{index}]")


def _check_mapping(value: Any, arguments: tuple[Any, ...], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no object"
        return
    for key, item in value.items():
        if arguments:
            yield from check_value(item, arguments[-1], f"{path}.{key}")


def _closed(options: tuple[Any, ...]) -> list[Any]:
    """Drop `str` beside literals: the SDK leaves its enumerations open for the future, and we do not."""
    # The empty text is no enumeration; it unsets a parameter.
    if any(get_origin(option) is Literal and get_args(option) != ("",) for option in options):
        return [option for option in options if option is not str]
    return list(options)


def _check_union(value: Any, options: tuple[Any, ...], path: str) -> Iterator[str]:
    if value is None:
        if type(None) not in options:
            yield f"{path}: null"
        return
    left = [option for option in _closed(options) if option is not type(None)]
    if isinstance(value, dict) and "object" in value:
        cls = class_of(str(value["object"]))
        left = [option for option in left if option is cls] or left
    findings = [list(check_value(value, option, path)) for option in left]
    if all(findings):
        # The option with the fewest findings is the one that was meant.
        yield from min(reversed(findings), key=len)


def _check_params(sent: Any, params_type: Any, path: str) -> Iterator[str]:
    if not isinstance(sent, dict):
        yield f"{path}: {sent!r} is no object"
        return
    params = params_of(params_type)
    for name, (hint, required) in params.items():
        if name in sent:
            yield from check_param(sent[name], hint, f"{path} {name}")
        elif required:
            yield f"{path} {name}: missing"
    yield from (f"{path} {name}: unknown parameter" for name in sent.keys() - params.keys())


def check_param(sent: Any, hint: Any, path: str) -> Iterator[str]:
    """Yield what is wrong with one parameter, where a form has turned every scalar into a string."""
    origin = get_origin(hint) or hint
    if _is_union(hint):
        findings = [list(check_param(sent, option, path)) for option in _closed(get_args(hint))]
        if all(findings):
            yield from min(reversed(findings), key=len)
    elif is_typeddict(hint):
        yield from _check_params(sent, hint, path)
    elif origin is list:
        for index, item in enumerate(_as_list(sent)):
            yield from check_param(item, get_args(hint)[0], f"{path}[{index}]")
        if _as_list(sent) == [] and sent not in ([], {}):
            yield f"{path}: {sent!r} is no list"
    elif origin in (dict, UntypedStripeObject):
        yield from _check_mapping(sent, (), path)
    elif origin is Literal:
        if sent not in get_args(hint) and sent not in [str(choice).lower() for choice in get_args(hint)]:
            yield f"{path}: {sent!r} is none of {list(get_args(hint))}"
    elif not _fits(sent, hint):
        yield f"{path}: {sent!r} is no {getattr(hint, '__name__', hint)}"


def _as_list(sent: Any) -> list[Any]:
    if isinstance(sent, dict) and all(str(key).isdigit() for key in sent):
        return list(sent.values())
    return sent if isinstance(sent, list) else []


def _fits(sent: Any, hint: Any) -> bool:
    if hint is bool:
        return sent in (True, False, "true", "false")
    if hint in (int, float, Decimal):
        try:
            number = Decimal(str(sent))
        except ArithmeticError:
            return False
        return not isinstance(sent, bool) and (hint is not int or number == int(number))
    if hint is str:
        return isinstance(sent, str) or (isinstance(sent, int) and not isinstance(sent, bool))
    return hint in (None, type(None)) and sent in ("", None)
