"""Every variable that the environment reads is in the reference, and the reference names no other."""

import re

from estuary.config.environment import BASE_DIR, Environment

OF_THE_DEMO = {"WEB_PORT", "SANDBOX_PORT"}


def test_the_reference_has_every_variable_and_no_other() -> None:
    text = (BASE_DIR / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)
    fields = Environment.model_fields.items()
    read = {str(field.validation_alias or name).upper() for name, field in fields}

    assert set(explained) == read
    assert len(explained) == len(set(explained))
    assert all(f"`{name}`" in text for name in OF_THE_DEMO)
