"""Findings, scores and what is asked for of them: messages to values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.quality.v1 import quality_pb2, quality_service_pb2

from shelfcast_data.domain.quality import FindingQuery, Rule, Severity
from shelfcast_data.entrypoints.grpc.field_value import timestamp
from shelfcast_data.entrypoints.grpc.stock_mapping import optional

if TYPE_CHECKING:
    from shelfcast_data.application.read_quality import Scored, SourceScored
    from shelfcast_data.domain.quality import KeptFinding

_RULES = {
    Rule.MISSING_DAYS: quality_pb2.QUALITY_RULE_MISSING_DAYS,
    Rule.STALE_SHOP: quality_pb2.QUALITY_RULE_STALE_SHOP,
    Rule.OUTLIER: quality_pb2.QUALITY_RULE_OUTLIER,
    Rule.LEVEL_SHIFT: quality_pb2.QUALITY_RULE_LEVEL_SHIFT,
    Rule.UNIT_MIX_UP: quality_pb2.QUALITY_RULE_UNIT_MIX_UP,
    Rule.PRICE_JUMP: quality_pb2.QUALITY_RULE_PRICE_JUMP,
    Rule.SALES_WITHOUT_STOCK: quality_pb2.QUALITY_RULE_SALES_WITHOUT_STOCK,
    Rule.NEGATIVE_STOCK: quality_pb2.QUALITY_RULE_NEGATIVE_STOCK,
    Rule.STALE_DATA: quality_pb2.QUALITY_RULE_STALE_DATA,
}
_SEVERITIES = {
    Severity.INFO: quality_pb2.QUALITY_SEVERITY_INFO,
    Severity.WARNING: quality_pb2.QUALITY_SEVERITY_WARNING,
    Severity.ERROR: quality_pb2.QUALITY_SEVERITY_ERROR,
}
_RULES_BACK = {int(number): rule for rule, number in _RULES.items()}
_SEVERITIES_BACK = {int(number): severity for severity, number in _SEVERITIES.items()}


def finding_query_from_proto(message: quality_service_pb2.ListQualityFindingsRequest) -> FindingQuery:
    """Give which findings are asked for."""
    return FindingQuery(
        shop_id=optional(message, "shop_id"),
        product_id=optional(message, "product_id"),
        rule=_RULES_BACK.get(message.rule),
        severity=_SEVERITIES_BACK.get(message.severity),
        is_open=message.state != quality_pb2.FINDING_STATE_RESOLVED,
    )


def finding_to_proto(kept: KeptFinding) -> quality_pb2.QualityFinding:
    """Give a finding as a message."""
    finding, is_open = kept.finding, kept.resolved_at is None
    return quality_pb2.QualityFinding(
        finding_id=str(kept.finding_no),
        rule=_RULES[finding.rule],
        severity=_SEVERITIES[finding.severity],
        state=quality_pb2.FINDING_STATE_OPEN if is_open else quality_pb2.FINDING_STATE_RESOLVED,
        shop_id=finding.shop_id,
        product_id=finding.product_id or None,
        start=finding.start.isoformat(),
        end=finding.end.isoformat(),
        day_count=finding.day_count,
        measured=finding.measured,
        usual=finding.usual,
        first_seen_at=timestamp(kept.first_seen_at),
        last_seen_at=timestamp(kept.last_seen_at),
        resolved_at=timestamp(kept.resolved_at),
    )


def shop_quality_to_proto(scored: Scored) -> quality_pb2.ShopQuality:
    """Give a score as a message."""
    check, score = scored
    return quality_pb2.ShopQuality(
        shop_id=score.shop_id,
        score_pct=score.score_pct,
        series_day_count=score.day_count,
        faulty_day_count=score.faulty_count,
        info_count=score.info_count,
        warning_count=score.warning_count,
        error_count=score.error_count,
        check_id=check.check_id,
        checked_at=timestamp(check.checked_at),
        data_version=check.data_version,
    )


def source_quality_to_proto(scored: SourceScored) -> quality_pb2.SourceQuality:
    """Give a score of a source as a message."""
    check, score = scored
    return quality_pb2.SourceQuality(
        source_id=score.source_id,
        score_pct=score.score_pct,
        series_day_count=score.day_count,
        faulty_day_count=score.faulty_count,
        info_count=score.info_count,
        warning_count=score.warning_count,
        error_count=score.error_count,
        check_id=check.check_id,
        checked_at=timestamp(check.checked_at),
        data_version=check.data_version,
    )
