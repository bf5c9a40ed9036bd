"""What is done when a pipeline is stored: changed steps become a new version, which is kept for good."""

from __future__ import annotations

from typing import Final

from shelfcast_data.application.catalogue_rule import Proposal, Rules
from shelfcast_data.domain.pipeline import PipelineFields


def _numbered(proposal: Proposal[PipelineFields]) -> PipelineFields:
    known = None if proposal.known is None else proposal.known.fields
    fields = proposal.fields.numbered(known)
    if known is None or fields.version != known.version:
        proposal.tx.pipelines(proposal.tenant).keep(proposal.key[-1], fields)
    return fields


PIPELINE_RULES: Final[Rules[PipelineFields]] = Rules(admit=_numbered)
