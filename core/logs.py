"""Log lines, as JSON for whoever collects them or for reading by eye: one a record, with the request's or the task's number, and nobody's phone number."""

import logging

import structlog

from core.privacy import scrub


def without_numbers(logger, name, event: dict) -> dict:
    """No line of the log names a phone, a card or a mailbox, whatever it was that went wrong."""
    return {key: scrub(value) if isinstance(value, str) else value for key, value in event.items()}


class Line(logging.Formatter):
    """A line for reading by eye: the same, nobody's number in it."""

    def formatMessage(self, record):
        record.message = scrub(record.message)
        return super().formatMessage(record)

    def formatException(self, exc_info):
        return scrub(super().formatException(exc_info))


_SHARED = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=False),
]
JSON = {
    "()": structlog.stdlib.ProcessorFormatter,
    "foreign_pre_chain": [*_SHARED, structlog.stdlib.ExtraAdder(allow=("status_code",))],
    "processors": [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        without_numbers,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ],
}


def through_logging(*, as_json: bool) -> None:
    """Whatever speaks by structlog (the tasks' own lines) goes the way of every other record: by the levels of LOGGING, in its format."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter if as_json else structlog.processors.KeyValueRenderer(key_order=["event"], drop_missing=True),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
