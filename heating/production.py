"""What a deployment must bring itself: no default is good enough for secrets and names. Asked for with HTTPS=1."""

from django.core.exceptions import ImproperlyConfigured

REQUIRED = {"SECRET_KEY": "签名密钥", "FIELD_KEYS": "手机号、姓名的加密密钥", "ALLOWED_HOSTS": "对外域名", "DATABASE_URL": "数据库地址", "REDIS_URL": "消息代理地址"}


def require(environment: dict[str, str]) -> None:
    """ImproperlyConfigured, naming everything that is missing."""
    missing = [f"{name}（{said}）" for name, said in REQUIRED.items() if not environment.get(name, "").strip()]
    if missing:
        raise ImproperlyConfigured(f"正式部署（HTTPS=1）须设置：{'、'.join(missing)}，见 .env.example")
