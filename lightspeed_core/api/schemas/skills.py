"""Body of `GET /v1/skills`."""

from pydantic import BaseModel


class Skill(BaseModel):
    """A skill of an agent."""

    name: str
    description: str


class SkillsResponse(BaseModel):
    """The skills; this version has none."""

    skills: list[Skill]
