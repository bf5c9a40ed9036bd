"""What the use cases of pipelines need from outside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from shelfcast_data.domain.import_record import NewImport
from shelfcast_data.domain.pipeline import PipelineFields, PipelineVersion
from shelfcast_data.domain.pipeline_facts import Facts, Need
from shelfcast_data.domain.pipeline_plan import Plan, PreviewRow


class Pipelines(Protocol):
    """The versions of a tenant's pipelines, and their use by imports."""

    def keep(self, name: str, fields: PipelineFields) -> None:
        """Keep a new version."""

    def version(self, name: str, version: int) -> PipelineVersion:
        """Give a version. Raises: PipelineVersionNotFound."""

    def page(self, name: str, limit: int, before: int | None) -> Sequence[PipelineVersion]:
        """Give up to `limit` versions of a pipeline, newest first, older than a number."""

    def facts(self, needs: Collection[Need], shop_id: str | None) -> Facts:
        """Give what the catalogue says now of what is asked for."""

    def use(self, import_id: str, facts: Facts) -> None:
        """Keep the facts that an import goes by."""

    def plan_of(self, file: NewImport) -> Plan | None:
        """Give the plan of an import; None if it has no pipeline."""

    def save_preview(self, import_id: str, rows: Sequence[PreviewRow]) -> None:
        """Keep the first rows of a dry run, before and after."""

    def preview(self, import_id: str) -> tuple[PreviewRow, ...]:
        """Give the first rows of a dry run; none of another import."""
