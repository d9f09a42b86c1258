"""Redirects of an endpoint that one of Llama Stack's own providers asks."""

from pathlib import Path

import pytest
from llama_stack.providers.remote.inference.openai import OpenAIConfig
from llama_stack.providers.remote.inference.openai.openai import OpenAIInferenceAdapter
from openai import APIStatusError

from lightspeed_core.engine.llama_stack.library import preload
from tests.support.doctor import run_config_of
from tests.support.http_server import http_server, redirect


@pytest.mark.attack(43)
@pytest.mark.requirement("network.redirects")
async def test_a_provider_of_the_stack_never_leads_elsewhere(tmp_path: Path) -> None:
    preload(run_config_of(tmp_path))
    async with http_server() as leading, http_server(host="127.0.0.2") as elsewhere:
        leading.answers["/v1/models"] = redirect(elsewhere.url("/v1/models", "127.0.0.2"))
        config = OpenAIConfig.model_validate({"base_url": leading.url("/v1"), "api_key": "sk-none"})
        # No request brings a key along.
        provider = OpenAIInferenceAdapter(config=config, provider_data_api_key_field="")

        async with provider.client as client:
            with pytest.raises(APIStatusError) as refused:
                await client.models.list()

    assert refused.value.status_code == 302
    assert leading.asked == ["/v1/models"]
    assert not elsewhere.asked
