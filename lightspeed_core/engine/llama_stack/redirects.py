"""Keeps Llama Stack's own providers where they were told to go; importing this takes a while.

Most of them speak through OpenAI's client, made anew for each request from the class that one
module of the stack holds.
"""

from functools import partial

from llama_stack.providers.utils.inference import openai_mixin

_CLIENT = "DefaultAsyncHttpxClient"


def report_redirects() -> None:
    """Let these providers report redirects, which OpenAI's client follows by default.

    A redirect would take the question to another host than the configured one.
    """
    client = partial(getattr(openai_mixin, _CLIENT), follow_redirects=False)
    setattr(openai_mixin, _CLIENT, client)
