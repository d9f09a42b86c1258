"""Body of `POST /authorized`."""

from pydantic import BaseModel, Field


class AuthorizedResponse(BaseModel):
    """Who the caller is; never their token."""

    user_id: str = Field(examples=["user:default/ada"])
    username: str = Field(examples=["lightspeed-user"])
    skip_userid_check: bool
