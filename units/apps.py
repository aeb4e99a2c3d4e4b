from django.apps import AppConfig


class UnitsConfig(AppConfig):
    name = "units"
    verbose_name = "责任单位"
    default_auto_field = "django.db.models.BigAutoField"
