from django.db import models


class Payment(models.Model):
    amount = models.BigIntegerField()
    status = models.CharField(max_length=20, default="pending")
    created_at = models.DateTimeField(auto_now_add=True)
