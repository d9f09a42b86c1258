"""The conversation store in an SQL database, the same for every dialect."""

from lightspeed_core.conversations.sql.store import SqlConversationStore

__all__ = ["SqlConversationStore"]
