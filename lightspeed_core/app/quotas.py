"""Whose tokens are counted, as the configuration says, and what is done for it beside turns."""

import asyncio
from types import MappingProxyType
from typing import Final

from lightspeed_core.assistant.keeper import repeat
from lightspeed_core.config.integrations import QuotaSubject
from lightspeed_core.config.root import Configuration
from lightspeed_core.observability.quota_metrics import QuotaMetrics
from lightspeed_core.quota.account import NoQuotas, QuotasOfRoutes
from lightspeed_core.quota.ledger import UPKEEP_SECONDS, Ledger
from lightspeed_core.quota.schedule import QuotaSchedule
from lightspeed_core.quota.service import CountedQuotas
from lightspeed_core.quota.store import QuotaStore
from lightspeed_core.quota.subjects import SubjectOf, organisation_of, system_of, user_of

_SUBJECTS: Final = MappingProxyType[QuotaSubject, SubjectOf](
    {
        QuotaSubject.USER_ID: user_of,
        QuotaSubject.ORG_ID: organisation_of,
        QuotaSubject.SYSTEM_ID: system_of,
    }
)


def run_quotas(
    background: asyncio.TaskGroup,
    configuration: Configuration,
    store: QuotaStore | None,
    metrics: QuotaMetrics,
) -> QuotasOfRoutes:
    """Return what turns ask, and have quotas renewed; without a store nothing is counted."""
    if store is None:
        return QuotasOfRoutes()
    section = configuration.quota_handlers
    ledger = Ledger(store, metrics)
    schedule = QuotaSchedule(store, section)
    background.create_task(repeat(schedule.renew, section.scheduler.period), name="quotas")
    background.create_task(repeat(ledger.keep_up, UPKEEP_SECONDS), name="quota reservations")
    subject = configuration.rlsapi_v1.quota_subject
    return QuotasOfRoutes(
        turns=CountedQuotas(ledger, section.limiters, subject_of=user_of),
        infer=(
            CountedQuotas(ledger, section.limiters, subject_of=_SUBJECTS[subject])
            if subject
            else NoQuotas()
        ),
    )
