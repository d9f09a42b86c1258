"""Chooses how Llama Stack is reached; the only part of the adapter that the service names."""

from lightspeed_core.engine.llama_stack.boot import boot
from lightspeed_core.engine.llama_stack.connect import connect
from lightspeed_core.engine.llama_stack.engine import LlamaStackEngine
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.protocol import Engine


def create_engine(settings: EngineSettings) -> Engine:
    """Give an engine that is not started yet; nothing heavy is imported before its start."""
    return LlamaStackEngine(settings, boot if settings.library_mode else connect)
