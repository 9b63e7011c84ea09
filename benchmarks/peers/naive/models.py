from django.db import models


class Order(models.Model):
    stripe_payment_intent_id = models.CharField(max_length=80, unique=True)
    user_id = models.BigIntegerField(db_index=True)
    amount = models.BigIntegerField()
    status = models.CharField(max_length=20, default="pending")
    paid_at = models.DateTimeField(null=True)


class CreditTransaction(models.Model):
    user_id = models.BigIntegerField(db_index=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT)
    amount = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
