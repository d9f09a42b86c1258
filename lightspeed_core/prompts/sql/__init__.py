"""The stores of prompts in an SQL database, the same for every dialect."""

from lightspeed_core.prompts.sql.prompts import SqlPrompts
from lightspeed_core.prompts.sql.saved import SqlSavedPrompts

__all__ = ["SqlPrompts", "SqlSavedPrompts"]
