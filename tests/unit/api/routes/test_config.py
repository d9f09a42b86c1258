"""`GET /v1/config`."""

from dataclasses import replace

from lightspeed_core.api.state import Services
from lightspeed_core.config.root import Configuration
from tests.support.asgi import build_app, client_of


async def test_the_configuration_is_shown_without_its_secrets(services: Services) -> None:
    configuration = Configuration.model_validate(
        {
            "name": "masked",
            "service": {},
            "llama_stack": {"url": "http://user:hunter2@stack:8321", "api_key": "sk-hunter2"},
            "user_data_collection": {},
        }
    )
    app = build_app(replace(services, configuration=configuration))
    async with client_of(app) as client:
        answer = await client.get("/v1/config")
    assert answer.status_code == 200
    assert "hunter2" not in answer.text
    shown = answer.json()["configuration"]
    assert shown["name"] == "masked"
    assert shown["service"]["port"] == 8080
    assert shown["llama_stack"]["api_key"] == "**********"
    assert shown["llama_stack"]["library_client_config_path"] is None
