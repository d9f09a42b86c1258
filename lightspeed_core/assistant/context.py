"""Everything that is resolved before a turn runs, frozen."""

from dataclasses import dataclass
from typing import Final

from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.config.prompt_template import SystemPrompt
from lightspeed_core.domain.turn import ModelRef, Turn

DEFAULT_INFER_ITERS: Final = 10
DEFAULT_TOOL_CALLS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSettings:
    """What the configuration says to the assistant. Times are in seconds.

    `input_sources` are the stores searched for every turn, None for all that are listed.
    `topic_prompt` is None for the built-in one.
    """

    system_prompt: SystemPrompt
    topic_prompt: SystemPrompt | None = None
    allow_system_prompt: bool = True
    allow_shield_ids: bool = True
    default_model: ModelRef | None = None
    input_sources: tuple[str, ...] | None = None
    max_chunks: int = 5
    max_infer_iters: int = DEFAULT_INFER_ITERS
    max_tool_calls: int = DEFAULT_TOOL_CALLS
    turn_wait: float = 60.0
    start_within: float = 10.0
    resume_window: float = 600.0
    heartbeat: float = 15.0
    drain: float = 10.0
    cancel_on_disconnect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnContext:
    """One turn, ready to run: `begun` is its record in state `waiting`."""

    begun: Turn
    request: TurnRequest
    is_new: bool
    system_prompt: str
    store_ids: tuple[str, ...]
    shield_ids: tuple[str, ...]
