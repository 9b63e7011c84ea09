"""The app config that selects the admin site."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "estuary.accounts.staff.sign_in.StaffSite"
