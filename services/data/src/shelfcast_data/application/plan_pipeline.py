"""Choose the version of a pipeline, and plan what it does to the rows of one import."""

from __future__ import annotations

from shelfcast_data.domain.identifier import stored_id
from shelfcast_data.domain.pipeline import PIPELINE
from shelfcast_data.domain.pipeline_plan import PipelineChoice, PipelineReference, Plan, needs_of
from shelfcast_data.errors import PipelineNotFound
from shelfcast_data.ports.store import Tx


def current_choice(tx: Tx, tenant: str, name: str) -> PipelineChoice:
    """Choose the current version of a pipeline. Raises: PipelineNotFound, IdMalformed."""
    known = stored_id(name, "/pipeline")
    entry = tx.entries(PIPELINE, tenant).get((known,))
    if not entry.is_live:
        raise PipelineNotFound(name=known)
    return PipelineChoice(known, entry.fields.version)


def plan_with(tx: Tx, tenant: str, choice: PipelineChoice, shop_id: str | None) -> Plan:
    """Plan an import with a version and what the catalogue says now.

    shop_id: shop of all rows. Raises: PipelineVersionNotFound.
    """
    pipelines = tx.pipelines(tenant)
    version = pipelines.version(choice.name, choice.version)
    facts = pipelines.facts(needs_of(version.steps), shop_id)
    reference = PipelineReference(choice.name, choice.version, version.digest, facts.digest)
    return Plan(reference, version.steps, facts)
