"""The stores of files in an SQL database."""

from lightspeed_core.files.sql.attachments import SqlAttachments
from lightspeed_core.files.sql.files import SqlFiles

__all__ = ["SqlAttachments", "SqlFiles"]
