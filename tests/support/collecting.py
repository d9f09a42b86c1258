"""Configurations of services that keep all there is to keep: turns, transcripts, feedback."""

from pathlib import Path

from lightspeed_core.db.connect import DatabaseSettings
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
        _CONFIG.format(folder=folder, workers=workers, database=database_section(settings))
    )
    return file


def database_section(settings: DatabaseSettings) -> str:
    """Return the section that names a database."""
    if isinstance(settings, PostgresSettings):
        return (
            f"{{postgres: {{host: '{settings.host}', db: {settings.database}, "
            f"user: {settings.user}, password: any, namespace: {settings.namespace}}}}}"
        )
    return f"{{sqlite: {{db_path: {settings.path}}}}}"
