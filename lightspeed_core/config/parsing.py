"""Section `knowledge.limits`: what reading one file may cost."""

from pydantic import Field, PositiveFloat, PositiveInt

from lightspeed_core.config.section import Section


class ParseLimits(Section):
    """What reading one file may cost; a file that needs more is reported and left out."""

    seconds: PositiveFloat = Field(default=120.0, description="Time, waiting included.")
    processor_seconds: PositiveInt = Field(default=60, description="Time of one processor.")
    memory_mib: int = Field(
        default=1024, ge=256, description="Memory of the process that reads, in MiB; on Linux."
    )
    file_mib: PositiveInt = Field(default=100, description="Size of the file, in MiB.")
    characters: PositiveInt = Field(default=20_000_000, description="Characters of its text.")
    pages: PositiveInt = Field(default=5000, description="Pages, where the format has pages.")
