"""Documents in other languages than English: taken in, found, quoted, and told when they change."""

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.support.ingesting import write_files
from tests.support.service import Service, running_service

WAIT_SECONDS: Final = 90
CONFIG = """\
name: languages
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
knowledge:
  folders: [{{path: {folder}/manuals, store: manuals}}]
"""
GERMAN = """<html lang="de"><head><title>Betrieb</title></head><body><h1>Betrieb</h1>
<h2>Sicherung</h2><p>Die Datenbanken werden jede Nacht um zwei Uhr gesichert.</p>
<h2>Zertifikate</h2><p>Zertifikate werden dreißig Tage vor dem Ablauf erneuert.</p></body></html>
"""
CHINESE = """# 运维手册

## 备份

数据库每天晚上两点自动备份。

## 端口

服务默认监听八千零八十端口。要更改端口，请设置环境变量。
"""
JAPANESE = """# 運用ガイド

## バックアップ

データベースは毎晩二時にバックアップされます。

## 証明書

証明書は期限の三十日前に自動的に更新されます。
"""
QUESTIONS: Final = (
    ("Wann werden die Datenbanken gesichert?", "betrieb.html", "jede Nacht um zwei Uhr"),
    ("如何更改端口？", "zh.md", "要更改端口，请设置环境变量。"),
    ("数据库什么时候备份？", "zh.md", "数据库每天晚上两点自动备份。"),
    ("証明書はいつ更新されますか？", "ja.md", "証明書は期限の三十日前に自動的に更新されます。"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"betrieb.html": GERMAN, "zh.md": CHINESE, "ja.md": JAPANESE}
    folder = tmp_path_factory.mktemp("languages")
    write_files(folder / "manuals", dict(files))
    (folder / "lcs.yaml").write_text(CONFIG.format(folder=folder))
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Generator[Service]:
    with running_service(folder / "data", config=folder / "lcs.yaml") as service:
        service.wait_until_ready()
        until = time.monotonic() + WAIT_SECONDS
        while not service.has_logged("documents indexed"):
            assert time.monotonic() < until, service.output()
            time.sleep(0.1)
        yield service


@pytest.fixture
def client(service: Service) -> Generator[httpx2.Client]:
    with service.client() as client:
        yield client


def ask(client: httpx2.Client, question: str) -> dict[str, Any]:
    answer = client.post("/v1/query", json={"query": question})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.requirement("stores.languages")
@pytest.mark.parametrize(("question", "document", "quote"), QUESTIONS)
def test_a_question_is_answered_by_a_quote_in_its_own_language(
    client: httpx2.Client, question: str, document: str, quote: str
) -> None:
    answer = ask(client, question)

    assert answer["rag_chunks"][0]["attributes"]["document_id"].endswith(document)
    assert quote in answer["response"]
    cited = answer["citations"][0]
    assert cited["document_id"].endswith(document)
    assert quote in cited["quote"]
    assert not cited["stale"]


@pytest.mark.requirement("citations.stale")
def test_a_file_that_is_edited_after_it_was_taken_in_is_told_to_be_out_of_date(
    folder: Path, client: httpx2.Client
) -> None:
    file = folder / "manuals" / "zh.md"
    file.write_text(CHINESE.replace("两点", "三点"))
    until = time.monotonic() + WAIT_SECONDS
    # A look at a file serves for some seconds.
    while not (answer := ask(client, "数据库什么时候备份？"))["warnings"]:
        assert time.monotonic() < until
        time.sleep(0.5)

    assert [each["stale"] for each in answer["citations"]][:1] == [True]
    (warning,) = answer["warnings"]
    assert warning["code"] == "stale_source"
    assert "运维手册" in warning["message"]
    streamed = client.post("/v1/streaming_query", json={"query": "数据库什么时候备份？"}).text
    assert '"stale_source"' in streamed
    assert '"stale":true' in streamed.replace('": ', '":')
