"""What of a question's attachments reaches the model, and what is refused before."""

import base64
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from lightspeed_core.config.shipped import shipped_root
from tests.support.service import Service, running_service
from tests.support.stub_llm import StubLLM

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(16)).decode()
QUOTING = {"provider": "extractive", "model": "quote"}


def attached(kind: str, content_type: str, content: str) -> dict[str, str]:
    return {"attachment_type": kind, "content_type": content_type, "content": content}


PICTURE = attached("image", "image/png", PNG)


def ask(client: httpx2.Client, *attachments: dict[str, str], **more: Any) -> httpx2.Response:
    asked: dict[str, Any] = {
        "query": "What is it?",
        "vector_store_ids": [],
        "generate_topic_summary": False,
    }
    return client.post("/v1/query", json=asked | {"attachments": attachments} | more)


@pytest.fixture
def client(service: Service, stub: StubLLM) -> Generator[httpx2.Client]:
    stub.clear()
    with service.client() as client:
        yield client


def question_of(stub: StubLLM) -> Any:
    (request,) = stub.requests()
    return request["body"]["messages"][-1]["content"]


@pytest.mark.requirement("query.attachments")
def test_texts_of_every_type_follow_the_question_as_they_are(
    client: httpx2.Client, stub: StubLLM
) -> None:
    texts = [
        attached("configuration", "application/yaml", "kind: Pod\nspec: {}\n"),
        attached("api object", "application/json", '{"kind": "Pod"}'),
        attached("event", "application/xml", "<event>&lt;</event>"),
        attached("log", "text/plain", "boom"),
    ]

    assert ask(client, *texts).status_code == 200
    assert question_of(stub) == (
        "What is it?"
        "\n\n[Attachment: configuration]\nkind: Pod\nspec: {}\n"
        '\n\n[Attachment: api object]\n{"kind": "Pod"}'
        "\n\n[Attachment: event]\n<event>&lt;</event>"
        "\n\n[Attachment: log]\nboom"
    )


@pytest.mark.requirement("query.images")
def test_images_stand_beside_the_text_as_data_urls(client: httpx2.Client, stub: StubLLM) -> None:
    log = attached("log", "text/plain", "boom")
    answer = ask(client, PICTURE, log, attached("image", "image/jpeg", JPEG))

    assert answer.status_code == 200
    assert question_of(stub) == [
        {"type": "text", "text": "What is it?\n\n[Attachment: log]\nboom"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{JPEG}"}},
    ]


@pytest.mark.requirement("query.images")
@pytest.mark.parametrize(
    ("attachment", "message"),
    [
        (
            attached("image", "text/plain", "x"),
            "attachment_type and content_type are inconsistent: "
            "attachment_type='image', content_type='text/plain'",
        ),
        (
            attached("log", "image/png", PNG),
            "attachment_type and content_type are inconsistent: "
            "attachment_type='log', content_type='image/png'",
        ),
        (
            attached("image", "image/png", JPEG),
            "Image content does not match declared content_type 'image/png': invalid image data",
        ),
        (
            attached("image", "image/jpeg", "not base64"),
            "Invalid base64 content for image attachment: ",
        ),
    ],
)
def test_an_image_of_another_form_is_refused_with_its_fault(
    client: httpx2.Client, stub: StubLLM, attachment: dict[str, str], message: str
) -> None:
    answer = ask(client, attachment)

    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert fault["msg"].startswith(f"Value error, {message}")
    assert stub.requests() == []


@pytest.mark.requirement("query.images")
def test_a_model_that_quotes_is_shown_no_image(client: httpx2.Client) -> None:
    answer = ask(client, PICTURE, **QUOTING)

    assert answer.status_code == 422
    assert answer.json()["detail"] == {
        "response": "Images are not supported",
        "cause": "Model extractive/quote takes no images. Please remove the images from "
        "attachments, or choose a model that takes them.",
    }


@pytest.mark.requirement("query.images")
@pytest.mark.parametrize("endpoint", ["/v1/query", "/v1/streaming_query"])
def test_images_that_the_model_refuses_are_a_status(client: httpx2.Client, endpoint: str) -> None:
    asked: dict[str, Any] = {
        "query": "Look [[blind]]",
        "vector_store_ids": [],
        "attachments": [PICTURE],
    }
    answer = client.post(endpoint, json=asked)

    assert answer.status_code == 422
    assert answer.json()["detail"]["response"] == "Images were refused"
    assert "image_url is only supported by certain models" in answer.json()["detail"]["cause"]


@pytest.mark.requirement("query.images")
def test_run_yaml_says_that_a_model_takes_no_images(
    tmp_path: Path, model_environment: dict[str, str], stub: StubLLM
) -> None:
    run = yaml.safe_load((shipped_root() / "run.yaml").read_text())
    run["registered_resources"]["models"].append(
        {
            "model_id": "fake-llm",
            "provider_id": "openai",
            "provider_model_id": "fake-llm",
            "model_type": "llm",
            "metadata": {"takes_images": False},
        }
    )
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(run))
    config = tmp_path / "lcs.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "name": "blind",
                "service": {"host": "127.0.0.1", "port": "${env.LIGHTSPEED_PORT}"},
                "llama_stack": {
                    "use_as_library_client": True,
                    "library_client_config_path": str(tmp_path / "run.yaml"),
                },
                "user_data_collection": {},
            }
        )
    )
    with running_service(
        tmp_path / "data", config=config, environment=model_environment
    ) as started:
        started.wait_until_ready()
        stub.clear()
        with started.client() as client:
            refused = ask(client, PICTURE)
            assert refused.status_code == 422, refused.text
            assert "openai/fake-llm takes no images" in refused.json()["detail"]["cause"]
            assert stub.requests() == []
            assert ask(client, attached("log", "text/plain", "x")).status_code == 200
