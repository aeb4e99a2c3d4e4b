"""What a deployment must bring itself: no default is good enough for secrets and names.

A deployment says PRODUCTION=1 (the image and compose do) or HTTPS=1. Without this check every container would quietly make
secrets of its own, and what one of them encrypts no other could read.
"""

from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

REQUIRED = {
    "SECRET_KEY": "签名密钥", "FIELD_KEYS": "手机号、姓名的加密密钥", "BACKUP_KEY": "备份的加密密钥", "ALLOWED_HOSTS": "对外域名", "PUBLIC_URL": "消息中链接所用的地址",
    "DATABASE_URL": "数据库地址", "REDIS_URL": "消息代理地址",
}  # fmt: skip


def require(environment: Mapping[str, str]) -> None:
    """ImproperlyConfigured, naming everything that is missing at once."""
    missing = [f"{name}（{said}）" for name, said in REQUIRED.items() if not environment.get(name, "").strip(" ,")]
    if missing:
        raise ImproperlyConfigured(f"正式部署（PRODUCTION=1 或 HTTPS=1）须设置：{'、'.join(missing)}，见 .env.example")
