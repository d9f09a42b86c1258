"""Configurations of services that keep all there is to keep: turns, transcripts, feedback."""

import json
from pathlib import Path
from typing import Any

from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.postgres import PostgresSettings

_CONFIG = """\
name: collecting
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}", workers: {workers}}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection:
  feedback_enabled: true
  feedback_storage: {folder}/feedback
  transcripts_enabled: true
  transcripts_storage: {folder}/transcripts
knowledge: {{product_docs: false}}
database: {database}
"""


def write_configuration(folder: Path, settings: DatabaseSettings, *, workers: int = 1) -> Path:
    """Write a configuration into a folder that also takes what is collected."""
    file = folder / "lcs.yaml"
    file.write_text(
        _CONFIG.format(
            folder=folder, workers=workers, database=json.dumps(database_section(settings))
        )
    )
    return file


def database_section(settings: DatabaseSettings) -> dict[str, Any]:
    """Return the section that names a database; as JSON it is YAML too."""
    match settings:
        case SqliteSettings(path=path):
            return {"sqlite": {"db_path": str(path)}}
        case PostgresSettings() as server:
            names = {"host": server.host, "db": server.database, "user": server.user}
            return {"postgres": names | {"password": "any", "namespace": server.namespace}}
