"""Log lines as JSON on standard error and as OTLP records, with trace id, request id and tenant."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber

from shelfcast_servicekit.auth import caller_or_none
from shelfcast_servicekit.request_id import current_request_id

if TYPE_CHECKING:
    from opentelemetry._logs import Logger
    from structlog.typing import EventDict, WrappedLogger

    from shelfcast_servicekit.settings import ServiceSettings

_QUIET: Final = ("opentelemetry.exporter", "opentelemetry.sdk", "grpc", "alembic", "amqp", "kombu", "asyncio")
_NOT_EXPORTED: Final = ("opentelemetry", "grpc")
_SEVERITY: Final = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}


def setup_logs(service_name: str, settings: ServiceSettings) -> None:
    """Send structlog and the standard library's logging through one form to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _add_context,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(service_name, settings.log_format, shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL if "opentelemetry" in name else logging.WARNING)


def _formatter(
    service_name: str, log_format: str, shared: list[structlog.typing.Processor]
) -> logging.Formatter:
    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service_name
        return event

    final: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if log_format == "console":
        final = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, name_service, final],
    )


def _add_context(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    request_id = current_request_id()
    if request_id:
        event["request_id"] = request_id
    caller = caller_or_none()
    if caller is not None:
        event["tenant"] = caller.tenant
    return event


class OtlpLogHandler(logging.Handler):
    """Turns log records into OTLP records; those of the exporter itself stay at home."""

    def __init__(self, logger: Logger) -> None:
        """Emit to `logger`, whose provider batches and never blocks."""
        super().__init__(logging.INFO)
        self._logger = logger
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one record."""
        if record.name.startswith(_NOT_EXPORTED):
            return
        severity = _SEVERITY.get(record.levelno, SeverityNumber.INFO)
        body, attributes = _body_of(record)
        attributes["logger"] = record.name
        if record.exc_info:
            attributes["exception.stacktrace"] = self._formatter.formatException(record.exc_info)
        self._logger.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                severity_number=severity,
                severity_text=record.levelname,
                body=body,
                attributes=attributes,
            )
        )


def _body_of(record: logging.LogRecord) -> tuple[str, dict[str, str | int | float | bool]]:
    """Split a record into its sentence and its facts; structlog hands over a dictionary."""
    if not isinstance(record.msg, dict):
        return record.getMessage(), _context_facts()
    facts = {key: value for key, value in record.msg.items() if key not in {"event", "timestamp"}}
    body = str(record.msg.get("event", ""))
    plain = {k: v if isinstance(v, str | int | float | bool) else str(v) for k, v in facts.items()}
    return body, plain


def _context_facts() -> dict[str, str | int | float | bool]:
    facts: dict[str, str | int | float | bool] = {}
    if current_request_id():
        facts["request_id"] = current_request_id()
    caller = caller_or_none()
    if caller is not None:
        facts["tenant"] = caller.tenant
    return facts
