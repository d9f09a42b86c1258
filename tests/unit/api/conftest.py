"""The HTTP layer around scripted parts."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.auth.authorizer import OpenAuthorizer
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.config.root import Configuration
from lightspeed_core.constants import DEFAULT_USER_ID
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.files.access import Files
from lightspeed_core.files.memory import MemoryFiles
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.prompts.memory import MemoryPrompts, MemorySavedPrompts
from lightspeed_core.prompts.saved import SavedPrompts
from lightspeed_core.user_data.feedback import FeedbackCollector
from tests.support.asgi import bare_app, with_state
from tests.support.feedback import a_collector
from tests.support.handing_over import files_in_memory
from tests.support.mcp_parts import mcp_of_memory
from tests.support.scripted_assistant import CONVERSATION_ID, ScriptedAssistant
from tests.support.scripted_engine import ScriptedEngine


@pytest.fixture(scope="session")
def configuration() -> Configuration:
    return Configuration.model_validate(
        {
            "name": "Test & Service",
            "service": {},
            "llama_stack": {"url": "http://localhost:8321"},
            "user_data_collection": {},
        }
    )


@pytest.fixture
def assistant() -> ScriptedAssistant:
    return ScriptedAssistant()


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def store() -> ConversationStore:
    return MemoryConversationStore()


@pytest.fixture
def feedback(tmp_path: Path) -> FeedbackCollector:
    return a_collector(tmp_path / "feedback", owners={CONVERSATION_ID: DEFAULT_USER_ID})


@pytest.fixture
def services(
    configuration: Configuration,
    engine: ScriptedEngine,
    assistant: ScriptedAssistant,
    store: ConversationStore,
    feedback: FeedbackCollector,
) -> Services:
    return Services(
        configuration=configuration,
        engine=engine,
        authenticator=NoopAuthenticator(),
        authorizer=OpenAuthorizer(),
        assistant=assistant,
        conversations=ConversationAccess(store, stop_within=0.5),
        metrics=Metrics(),
        feedback=feedback,
        prompts=MemoryPrompts(),
        saved_prompts=SavedPrompts(MemorySavedPrompts(), configuration.saved_prompts),
        files=Files(MemoryFiles()),
        handed_over=files_in_memory(engine, MemoryFiles()),
        mcp=mcp_of_memory(),
    )


@pytest.fixture(scope="session")
def bare(configuration: Configuration) -> FastAPI:
    return bare_app(configuration)


@pytest.fixture
def app(bare: FastAPI, services: Services) -> ASGIApp:
    return with_state(bare, services)
