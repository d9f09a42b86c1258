"""What an operator must be told of vector stores at every start."""

from collections.abc import Iterator
from typing import Final

from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.config.rag import OKP
from lightspeed_core.config.root import Configuration

_EVERYBODY: Final = "*"


def describe_stores(configuration: Configuration) -> Iterator[str]:
    """Say which stores are searched in vain, and which nobody may read."""
    yield from _describe_sources(configuration)
    yield from _describe_embeddings(configuration)
    yield from _describe_access(configuration)


def _describe_sources(configuration: Configuration) -> Iterator[str]:
    retrieval = configuration.rag.retrieval
    for way, sources in (("inline", retrieval.inline.sources), ("tool", retrieval.tool.sources)):
        if OKP in sources:
            yield (
                f"rag.retrieval.{way}.sources names {OKP}, which is not served by this version: "
                "only the other stores are searched"
            )
    own = (*configuration.byok_rag, *configuration.rag.byok.stores)
    if own and not configuration.llama_stack.use_as_library_client:
        names = ", ".join(store.rag_id for store in own)
        yield (
            f"byok_rag and rag.byok: of {names} only those are searched that the Llama Stack "
            "server lists under their vector_db_id, for it has its own run.yaml"
        )


def _describe_embeddings(configuration: Configuration) -> Iterator[str]:
    if (
        configuration.knowledge.embedding_folder
        and not configuration.llama_stack.use_as_library_client
    ):
        yield (
            "knowledge.embedding_folder has no effect while llama_stack.use_as_library_client is "
            "false: the server's own run.yaml says which model embeds"
        )


def _describe_access(configuration: Configuration) -> Iterator[str]:
    given = _roles_given(configuration.authentication)
    for name, roles in configuration.rag.access.items():
        unknown = [role for role in roles if role != _EVERYBODY and role not in given]
        if not roles:
            yield f"rag.access.{name} names no role: nobody may read the store"
        elif unknown:
            yield (
                f"rag.access.{name}: nobody has the role {', '.join(unknown)}; roles are given by "
                "authentication.jwk_config.jwt_configuration.role_rules alone"
            )


def _roles_given(authentication: AuthenticationConfiguration) -> set[str]:
    if authentication.module is not AuthenticationModule.JWK or not authentication.jwk_config:
        return set()
    rules = authentication.jwk_config.jwt_configuration.role_rules
    return {role for rule in rules for role in rule.roles}
