"""Everything that is resolved before a turn runs, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lightspeed_core.assistant.passages import Passages
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.shields.question import kept_until_checked
from lightspeed_core.assistant.shields.sealing import Seal
from lightspeed_core.assistant.shields.shield import Shield, ShieldSettings
from lightspeed_core.assistant.sources import Source, SourceSettings
from lightspeed_core.config.prompt_template import SystemPrompt
from lightspeed_core.domain.approvals import Approval, Checkpoint
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import ModelRef, Turn
from lightspeed_core.quota.account import Account, FreeAccount

DEFAULT_INFER_ITERS: Final = 10
DEFAULT_TOOL_CALLS: Final = 30
DEFAULT_ANSWER_TOKENS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionSettings:
    """When older turns are summarised, and which stay; `config.compaction` says what each means.

    `context_windows` are in tokens, by the model's identifier.
    """

    threshold_ratio: float = 0.7
    token_floor: int = 4096
    buffer_turns: int = 4
    buffer_max_ratio: float = 0.3
    context_windows: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSettings:
    """What the configuration says to the assistant. Times are in seconds.

    `sources` says which stores are searched, and who may read them. `models_without_tools` are
    offered no tools, by their identifier.
    `topic_prompt` is None for the built-in one, `compaction` where nothing is summarised.
    `answer_tokens` are what an answer reserves of a quota beside its prompt. `approval_seconds` is
    the time to answer a question of a tool, `approval_days` how long the answer is kept. `shields`
    are those of the configuration itself; `seal` closes what they take out of questions.
    """

    system_prompt: SystemPrompt
    topic_prompt: SystemPrompt | None = None
    allow_system_prompt: bool = True
    allow_shield_ids: bool = True
    default_model: ModelRef | None = None
    sources: SourceSettings = field(default_factory=SourceSettings)
    models_without_tools: frozenset[str] = frozenset()
    max_chunks: int = 5
    max_infer_iters: int = DEFAULT_INFER_ITERS
    max_tool_calls: int = DEFAULT_TOOL_CALLS
    turn_wait: float = 60.0
    start_within: float = 10.0
    resume_window: float = 600.0
    heartbeat: float = 15.0
    drain: float = 10.0
    cancel_on_disconnect: bool = False
    compaction: CompactionSettings | None = None
    max_streams: int = 2000
    max_streams_per_user: int = 1000
    answer_tokens: int = DEFAULT_ANSWER_TOKENS
    approval_seconds: float = 300.0
    approval_days: int = 30
    shields: tuple[Shield, ...] = ()
    shielding: ShieldSettings = field(default_factory=ShieldSettings)
    seal: Seal = field(default_factory=Seal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """Where a turn that waited for its user goes on, and what became of its approvals.

    `shield_ids` are the shields that guard it; `restore` is what they took out of its question.
    """

    checkpoint: Checkpoint
    approvals: tuple[Approval, ...]
    shield_ids: tuple[str, ...] = ()
    restore: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnContext:
    """One turn, ready to run: `begun` is its record in state `waiting`, `caller` who asked.

    `stores` are searched before the model is called, `tool_stores` when it asks. A model that
    does not call tools is offered none. `passages` are those of this turn, as they come.
    `keeps_original` says that the question is stored as it was asked, whatever shields make of it.
    A turn that goes on, by its `continuation`, is run for whoever answered; it then has the
    `caller` and the headers of that request. Without `may_wait` no user is asked for approvals.
    """

    begun: Turn
    caller: Identity
    request: TurnRequest
    is_new: bool
    system_prompt: str
    shields: tuple[Shield, ...] = ()
    keeps_original: bool = False
    stores: tuple[Source, ...] = ()
    tool_stores: tuple[Source, ...] = ()
    calls_tools: bool = True
    passages: Passages = field(default_factory=Passages, compare=False)
    account: Account = field(default_factory=FreeAccount)
    may_wait: bool = True
    continuation: Continuation | None = None

    @property
    def kept(self) -> Turn:
        """The turn as it may be stored before the shields have seen its question."""
        if self.keeps_original:
            return self.begun
        return kept_until_checked(self.begun, self.shields)
