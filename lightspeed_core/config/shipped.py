"""Where the files that come with the product are: in an installed package or a checkout."""

from pathlib import Path

import lightspeed_core
from lightspeed_core.constants import DEFAULT_CONFIGURATION_FILE

SHIPPED_SCHEME = "shipped:"
SHIPPED_RUN_CONFIGURATION = "run.yaml"


def shipped_root() -> Path:
    """Return the directory of the shipped files: the package's copies, else the checkout."""
    package = Path(lightspeed_core.__file__).parent
    copies = package / "shipped"
    return copies if copies.is_dir() else package.parent


def shipped_file(name: str) -> Path:
    """Return the path of a shipped file or directory, such as `system_prompts/product.txt`.

    Raises:
        FileNotFoundError: No such file is shipped.
    """
    root = shipped_root().resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.exists():
        raise FileNotFoundError(f"'{name}' is not among the shipped files")
    return path


def shipped_configuration() -> Path:
    """Return the configuration that serves where no other is named."""
    return shipped_file(DEFAULT_CONFIGURATION_FILE)
