"""Why staff do something: a field that asks for it, and its place in the audit trail."""

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

REASON_MAX = 200
# Before a reason in an entry of the audit trail.
WHY = " Why: "


class ReasonForm(forms.Form):
    """The form of a page on which staff confirm what a customer may ask about later."""

    reason = forms.CharField(
        required=False,
        max_length=REASON_MAX,
        help_text="For the audit trail and the order’s timeline. May be left empty.",
        widget=UnfoldAdminTextInputWidget(),
    )


def with_reason(sentence: str, reason: str) -> str:
    """Return the sentence with the reason behind it: ``Canceled Yoga without a refund. Why: Did not come.``"""
    end = "" if reason.endswith((".", "!", "?", "…")) else "."
    return f"{sentence}{WHY}{reason}{end}" if reason else sentence
