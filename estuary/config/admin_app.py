"""Which site is the admin."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "estuary.accounts.staff_sign_in.StaffSite"
