from django.apps import AppConfig


class PlantsConfig(AppConfig):
    name = "plants"
    verbose_name = "厂站与小区"
    default_auto_field = "django.db.models.BigAutoField"
