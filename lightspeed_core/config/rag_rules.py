"""What sections `byok_rag` and `rag` must agree on."""

from collections.abc import Iterable, Sequence

from lightspeed_core.config.rag import OKP, ByokRag, ByokStore
from lightspeed_core.config.retrieval import RagConfiguration

type AnyByok = ByokRag | ByokStore


def check_stores(older: Sequence[ByokRag], rag: RagConfiguration, others: Iterable[str]) -> None:
    """Check the stores of both sections together; `others` are stores that can be named as well.

    Raises:
        ValueError: Two stores cannot be told apart, or one is named that is not declared.
    """
    stores = (*older, *rag.byok.stores)
    _check_names(stores)
    _check_sources(rag, [*(store.rag_id for store in stores), OKP], others)
    for store in stores:
        if store.rag_id != store.vector_db_id and {store.rag_id, store.vector_db_id} <= set(
            rag.access
        ):
            raise ValueError(
                f"rag.access names one store twice, as '{store.rag_id}' and as "
                f"'{store.vector_db_id}'; keep one of the two"
            )


def _check_names(stores: Sequence[AnyByok]) -> None:
    owners: dict[str, AnyByok] = {}
    for store in stores:
        for name in {store.rag_id, store.vector_db_id}:
            other = owners.setdefault(name, store)
            if other is not store:
                raise ValueError(
                    f"'{name}' names two stores of byok_rag and rag.byok, '{other.rag_id}' and "
                    f"'{store.rag_id}': each needs a rag_id and a vector_db_id of its own"
                )


def _check_sources(rag: RagConfiguration, declared: list[str], others: Iterable[str]) -> None:
    known = {*declared, *others}
    for way, sources in (
        ("inline", rag.retrieval.inline.sources),
        ("tool", rag.retrieval.tool.sources),
    ):
        if unknown := [source for source in sources if source not in known]:
            raise ValueError(
                f"retrieval.{way}.sources contains unknown RAG IDs: {unknown}. "
                f"Declared IDs: {declared}"
            )
