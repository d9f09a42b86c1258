"""The command line as its users meet it: exit codes, one line a fault, no tracebacks."""

import json
import ssl
import time
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization

from tests.support.command import MINIMAL, run, written
from tests.support.service import running_service
from tests.support.tls_endpoint import write_certificate

TIMEOUT = 90
PASSWORD = "of the key"


def with_tls(directory: Path, password: str) -> Path:
    """Configure HTTPS with an encrypted key and a password file."""
    certificate = write_certificate(directory)
    key = serialization.load_pem_private_key(certificate.read_bytes(), password=None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    (directory / "key.pem").write_bytes(encrypted)
    (directory / "password.txt").write_text(f"{password}\n")
    tls = (
        f"tls_config: {{tls_certificate_path: {certificate}, tls_key_path: {directory}/key.pem, "
        f"tls_key_password: {directory}/password.txt}}, host:"
    )
    return written(directory, MINIMAL.replace("host:", tls))


@pytest.mark.requirement("cli.retired")
@pytest.mark.parametrize(
    "arguments",
    [
        ("-m",),
        ("--dump-models",),
        ("-gr", "requests"),
        ("-g",),
        ("-g", "-i", "run.yaml", "-o", "run_.yaml"),
    ],
)
def test_a_flag_that_is_no_longer_acted_on_gets_one_line(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run(tmp_path, *arguments)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert arguments[0] in done.stderr


@pytest.mark.requirement("cli.flags")
def test_help_names_the_flags(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")

    assert done.returncode == 0
    for flag in ("-h", "-v", "-d", "-c CONFIG_FILE", "-s", "--synthesized-config-output", "docs"):
        assert flag in done.stdout


@pytest.mark.requirement("cli.flags")
def test_the_version_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").stdout.startswith("lightspeed-stack 0.")


@pytest.mark.requirement("cli.dump")
def test_the_dump_has_four_blanks_of_indent_and_creates_nothing_else(tmp_path: Path) -> None:
    done = run(tmp_path, "-d")

    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["configuration.json"]
    text = (tmp_path / "configuration.json").read_text()
    assert text.startswith('{\n    "name": "Lightspeed Core Service (LCS)",\n')
    assert json.loads(text)["database"]["sqlite"]["db_path"].endswith("/lightspeed-stack.db")


@pytest.mark.requirement("cli.dump")
def test_a_dump_that_cannot_be_written_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "configuration.json").mkdir()

    done = run(tmp_path, "-d")

    assert done.returncode == 1
    assert done.stderr == (
        "lightspeed-stack: configuration.json cannot be written: Is a directory\n"
    )


@pytest.mark.requirement("cli.dump")
def test_a_configuration_that_is_bad_is_not_dumped(tmp_path: Path) -> None:
    file = written(tmp_path, MINIMAL.replace("host:", "hots:"))

    done = run(tmp_path, "-d", "-c", str(file))

    assert done.returncode == 2
    assert not (tmp_path / "configuration.json").exists()


@pytest.mark.requirement("cli.flags")
def test_the_schema_is_written_without_a_configuration(tmp_path: Path) -> None:
    done = run(tmp_path, "-s", "-c", "nowhere.yaml")

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "schema.json").read_text())["title"] == "Configuration"


@pytest.mark.parametrize(
    ("document", "begins"),
    [("configuration", "# Configuration\n"), ("diagram", "@startuml\n"), ("schema", "{\n")],
)
def test_a_document_goes_to_the_output_or_a_file(
    tmp_path: Path, document: str, begins: str
) -> None:
    printed = run(tmp_path, "docs", document)
    run(tmp_path, "docs", document, "--output", "document")

    assert printed.stdout.startswith(begins)
    assert (tmp_path / "document").read_text() == printed.stdout


def test_the_api_is_described_in_two_forms(tmp_path: Path) -> None:
    run(tmp_path, "docs", "openapi", "--output", "api.json")
    run(tmp_path, "docs", "openapi", "--output", "api.md")

    paths = json.loads((tmp_path / "api.json").read_text())["paths"]
    text = (tmp_path / "api.md").read_text()
    assert "/v1/query" in paths
    for path, operations in paths.items():
        for method in operations:
            assert f"## `{method.upper()} {path}`" in text


@pytest.mark.requirement("start.refusal")
def test_what_only_the_start_finds_out_is_told_with_exit_code_2(tmp_path: Path) -> None:
    module = "authentication: {module: k8s}\n"
    done = run(tmp_path, "-c", str(written(tmp_path, MINIMAL + module)))

    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if "CRITICAL" in line and "k8s" in line]


@pytest.mark.requirement("start.refusal")
def test_what_keeps_a_worker_from_starting_ends_the_parent(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("version: 2\nmodels: []\n")
    text = MINIMAL.replace("host:", "workers: 2, host:").replace("shipped:run.yaml", "old.yaml")

    done = run(tmp_path, "-c", str(written(tmp_path, text)))

    assert done.returncode == 2, done.stderr
    assert "old.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.requirement("start.refusal")
def test_a_data_directory_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = run(tmp_path, environment={"LIGHTSPEED_DATA_DIR": str(tmp_path / "file" / "data")})

    assert done.returncode == 2
    assert f"data directory {tmp_path}/file/data cannot be created" in done.stderr
    assert "LIGHTSPEED_DATA_DIR" in done.stderr


def test_https_with_a_password_from_its_file(tmp_path: Path) -> None:
    file = with_tls(tmp_path, PASSWORD)
    trusted = ssl.create_default_context(cafile=str(tmp_path / "endpoint.pem"))
    with (
        running_service(tmp_path / "data", config=file) as service,
        httpx2.Client(verify=trusted, timeout=5) as client,
    ):
        url = f"https://127.0.0.1:{service.port}/liveness"
        answer = wait_for_answer(client, url)

    assert answer.json() == {"alive": True}
    assert "server" not in answer.headers


@pytest.mark.requirement("start.refusal")
def test_a_password_that_is_wrong_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", str(with_tls(tmp_path, "wrong")))

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "service.tls_config" in done.stderr
    assert "endpoint.pem" in done.stderr


@pytest.mark.requirement("log.level")
def test_several_workers_serve_one_port_at_the_level_of_their_parent(tmp_path: Path) -> None:
    text = MINIMAL.replace("host:", "workers: 2, host:")
    file = written(tmp_path, text)
    quiet = {"LIGHTSPEED_STACK_LOG_LEVEL": "WARNING"}
    with (
        running_service(tmp_path / "data", config=file, environment=quiet) as service,
        service.client() as client,
    ):
        answer = wait_for_answer(client, f"{service.url}/liveness")
        service.terminate()

    assert answer.status_code == 200
    assert " INFO " not in service.output()


def wait_for_answer(client: httpx2.Client, url: str) -> httpx2.Response:
    until = time.monotonic() + TIMEOUT
    while True:
        try:
            return client.get(url)
        except httpx2.TransportError:
            assert time.monotonic() < until
            time.sleep(0.1)
