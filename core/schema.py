"""What every operation of the API may answer besides what it is for: the refusals, in their one shape (core/api.py)."""

REFUSALS = {
    "400": "内容不符合要求，`fields` 逐项说明",
    "401": "没有登录，或令牌无效",
    "403": "无权执行此操作",
    "404": "没有找到，或无权查看",
    "409": "与现状不符，例如刚被他人处理",
    "413": "内容过大",
    "415": "不支持这种内容类型",
    "429": "请求过于频繁，`Retry-After` 之后再试",
    "503": "系统正在恢复，`Retry-After` 之后再试",
}
FAULT = {
    "type": "object",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string", "description": "一句中文"},
        "fields": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
    "required": ["code", "message", "fields"],
}  # fmt: skip


def with_refusals(result: dict, generator, request, public) -> dict:
    """A hook of drf-spectacular: each operation's refusals, where it does not describe its own."""
    result.setdefault("components", {}).setdefault("schemas", {})["Fault"] = FAULT
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}
    for acts in result["paths"].values():
        for act in acts.values():
            for status, description in REFUSALS.items():
                act["responses"].setdefault(status, {"description": description, "content": body})
    return result
