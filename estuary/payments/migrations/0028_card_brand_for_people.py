"""``brand`` is Stripe's word, in the column ``card_brand``. ``card_brand`` is its name for people, computed when read."""

from django.db import migrations, models
from django.db.models import Case, F, Value, When

NAMES = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos Australia",
    "jcb": "JCB",
    "link": "Link",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
    "unknown": "Card",
}


class Migration(migrations.Migration):

    dependencies = [("payments", "0027_refusal_counts")]
    # The new column is virtual: PostgreSQL computes it when it is read, and rewrites nothing.
    allows = ("adding-field-with-default",)

    operations = [
        migrations.AlterField(
            "paymentmethod",
            "card_brand",
            models.CharField(db_column="card_brand", help_text="Stripe's word, such as visa.", max_length=32),
        ),
        migrations.RenameField("paymentmethod", "card_brand", "brand"),
        migrations.AddField(
            "paymentmethod",
            "card_brand",
            models.GeneratedField(
                db_column="card_brand_name",
                db_persist=False,
                expression=Case(
                    *(When(brand=brand, then=Value(name)) for brand, name in NAMES.items()), default=F("brand")
                ),
                output_field=models.CharField(),
            ),
        ),
    ]
