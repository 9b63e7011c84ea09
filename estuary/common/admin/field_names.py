"""Names of fields for people who do not see the column or the heading that they stand in."""

from typing import Any

from django import forms

# Of a date and a time that are asked for together.
PARTS = ("date", "time")


def name_fields(form: forms.BaseForm, *, in_table: bool = False) -> None:
    """Give each half of a date and time its name; ``in_table``, where fields have no labels, every field."""
    for name, field in form.fields.items():
        title = str(field.label or name.replace("_", " ").capitalize())
        if isinstance(field.widget, forms.MultiWidget):
            for part, half in zip(PARTS, field.widget.widgets, strict=False):
                half.attrs["aria-label"] = f"{title}, {part}"
        elif in_table:
            # A choice of rows stands in a wrapper with links beside it.
            widget: Any = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = title


def with_named_fields(form_class: type[Any], *, in_table: bool = False) -> type[Any]:
    """Return the form's class with ``name_fields`` applied to each of its forms."""

    class Named(form_class):  # type: ignore[misc] # a class that only the admin knows
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            name_fields(self, in_table=in_table)

    Named.__name__ = form_class.__name__
    return Named
