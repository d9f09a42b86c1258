"""The subcommand `audit verify`: verifies a chain, prints, and says by its exit code what it is."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from lightspeed_core.audit.chain import Seal
from lightspeed_core.audit.verify import (
    Verdict,
    WrongKey,
    render_verdict,
    verify_directory,
    verify_file,
)
from lightspeed_core.cli.arguments import FAILED
from lightspeed_core.errors import ConfigurationError


def verify(where: Path, seal: Seal, *, as_json: bool) -> int:
    """Verify a directory or one file; returns 1 when a record is not right, else 0.

    Raises `ConfigurationError` for what cannot be verified at all.
    """
    try:
        verdict = verify_directory(where, seal) if where.is_dir() else verify_file(where, seal)
    except WrongKey as error:
        raise ConfigurationError(f"{where}: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{where} cannot be read: {error.strerror}") from error
    if not verdict.files:
        raise ConfigurationError(f"{where} holds no files of an audit chain")
    sys.stdout.write(
        _json(verdict) if as_json else "\n".join(render_verdict(where, verdict)) + "\n"
    )
    return FAILED if verdict.flaw else 0


def _json(verdict: Verdict) -> str:
    return json.dumps({"whole": verdict.flaw is None, **asdict(verdict)}, indent=2) + "\n"
