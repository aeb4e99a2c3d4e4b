from django.apps import AppConfig


class ComplaintsConfig(AppConfig):
    name = "complaints"
    verbose_name = "工单"
    default_auto_field = "django.db.models.BigAutoField"
