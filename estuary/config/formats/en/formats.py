"""How moments are written on pages for staff, in English: day before month, 24 hours and the zone, as by `moment`.

https://docs.djangoproject.com/en/stable/topics/i18n/formatting/#creating-custom-format-files
"""

DATE_FORMAT = "d M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "d M Y, H:i T"
SHORT_DATE_FORMAT = DATE_FORMAT
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
