"""The threat model names the test that fails without each defence: those tests are there."""

import re

from estuary.config.environment import BASE_DIR, Environment


def test_every_test_and_variable_that_the_threat_model_names_is_there() -> None:
    text = (BASE_DIR / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    there = {path.stem for path in (BASE_DIR / "tests").rglob("test_*.py")}
    assert len(named) >= 12
    assert named <= there
    read = {str(field.validation_alias or name).upper() for name, field in Environment.model_fields.items()}
    assert set(re.findall(r"`((?:ESTUARY|DJANGO|STRIPE)_[A-Z_]+)`", text)) <= read
