from django.apps import AppConfig


class SupplyConfig(AppConfig):
    name = "supply"
    verbose_name = "供应保障"
    default_auto_field = "django.db.models.BigAutoField"
