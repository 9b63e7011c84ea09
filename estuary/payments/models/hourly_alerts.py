"""Hourly alerts: staff are alerted of one thing at most once an hour."""

from django.db import models


class HourlyAlert(models.Model):
    """When staff were last alerted of something that may happen often."""

    code = models.CharField(max_length=40, primary_key=True)
    alerted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.code} at {self.alerted_at}"
