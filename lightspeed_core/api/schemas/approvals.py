"""Bodies of `/v1/approvals`, and what other answers say of approvals."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Self

from fastapi import Depends, Path
from pydantic import BaseModel, Field, StrictBool

from lightspeed_core.api.schemas.identifiers import TEXT_PATTERN, NoNul, UuidText, normal_uuid
from lightspeed_core.api.schemas.requests import RequestBody
from lightspeed_core.conversations.approvals import Answered
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.errors import MalformedRequest

_ID: Final = "5b1e9a3c-0c57-4a1e-9d55-8f3f0c2b7a10"
_TURN_ID: Final = "9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"
_LONGEST_REASON: Final = 2000


async def _approval_id(
    approval_id: Annotated[UuidText, Path(description="A UUID.", examples=[_ID])],
) -> str:
    try:
        return normal_uuid(approval_id)
    except ValueError:
        raise MalformedRequest.of_id("approval", approval_id) from None


ApprovalId = Annotated[str, Depends(_approval_id)]


class RequiredApproval(BaseModel):
    """A call of a tool that its user must allow."""

    approval_id: str = Field(description="Answer it under this id.", examples=[_ID])
    request_id: str = Field(description="Id of the turn that waits.", examples=[_TURN_ID])
    server: str | None = Field(
        description="MCP server that runs the tool; null for a tool of ours.", examples=["files"]
    )
    tool: str = Field(examples=["delete_file"])
    arguments: dict[str, Any] = Field(examples=[{"path": "/reports/old.txt"}])
    expires_at: str = Field(
        description="Denied where it is not answered by then, in ISO 8601.",
        examples=["2025-10-10T09:17:10+00:00"],
    )


class OpenApproval(RequiredApproval):
    """The same in the list of what one may answer."""

    conversation_id: str = Field(examples=["123e4567-e89b-42d3-a456-426614174000"])
    created_at: str = Field(examples=["2025-10-10T09:12:10+00:00"])


class ApprovalsResponse(BaseModel):
    """What one may answer, the oldest first."""

    approvals: list[OpenApproval]

    @classmethod
    def of(cls, approvals: Iterable[Approval]) -> Self:
        """Return the list."""
        return cls(
            approvals=[
                OpenApproval(
                    approval_id=each.approval_id,
                    request_id=each.turn_id,
                    conversation_id=each.conversation_id,
                    server=each.server,
                    tool=each.tool,
                    arguments=dict(each.arguments),
                    created_at=each.created_at.isoformat(),
                    expires_at=each.expires_at.isoformat(),
                )
                for each in approvals
            ]
        )


class AnsweredApproval(BaseModel):
    """A call of a tool that its user had to allow, as histories show it."""

    approval_id: str
    tool_call_id: str
    server: str | None
    tool: str
    state: ApprovalState
    reason: str | None
    expires_at: str
    answered_at: str | None


class ApprovalAnswer(RequestBody):
    """Whether a tool may be called."""

    approve: StrictBool = Field(description="Whether the tool is called.", examples=[True])
    reason: (
        Annotated[
            str,
            Field(max_length=_LONGEST_REASON, json_schema_extra={"pattern": TEXT_PATTERN}),
            NoNul,
        ]
        | None
    ) = Field(
        default=None,
        description="What the model is told where it is denied.",
        examples=["Not that file."],
    )


class ApprovalAnswered(BaseModel):
    """What became of an approval."""

    approval_id: str = Field(examples=[_ID])
    request_id: str = Field(description="Id of the turn.", examples=[_TURN_ID])
    conversation_id: str = Field(examples=["123e4567-e89b-42d3-a456-426614174000"])
    state: ApprovalState = Field(examples=["approved"])
    goes_on: bool = Field(
        description="Whether the turn goes on; false while others of its approvals are open.",
        examples=[True],
    )

    @classmethod
    def of(cls, answered: Answered) -> Self:
        """Return the answer to an answer."""
        approval = answered.approval
        return cls(
            approval_id=approval.approval_id,
            request_id=approval.turn_id,
            conversation_id=approval.conversation_id,
            state=approval.state,
            goes_on=answered.paused is not None,
        )
