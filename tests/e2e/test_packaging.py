"""What is built, installed and put into an image serves without the sources."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.config.load import load_configuration
from tests.support.containerfile import Context, read_stages
from tests.support.service import ROOT, Service, running_service

UV = (str(ROOT / ".ci" / "bootstrap.sh"), "--uv")
BUILD_SECONDS = 240
BOUND_SECONDS = 60
BUILDER, SERVED = read_stages(ROOT / "Containerfile")
WHERE = (
    "import lightspeed_core as c, lightspeed_stack_providers as p; print(c.__file__, p.__file__)"
)
# Which libraries are in the process once the model's runtime is loaded.
MAPPED = """
import xllamacpp
with open("/proc/self/maps") as maps:
    print(*{line.split()[-1] for line in maps if ".so" in line})
"""
# Any user of group 0. Reading is allowed everywhere, because the interpreter may be in a home
# folder that is closed to others; writing is not.
ANY_USER = (
    *("setpriv", "--reuid", "12345", "--regid", "0", "--clear-groups"),
    *("--securebits", "+no_setuid_fixup"),
    *("--inh-caps", "-all,+dac_read_search"),
    *("--ambient-caps", "-all,+dac_read_search"),
    *("--bounding-set", "-all,+dac_read_search"),
)


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=BUILD_SECONDS,
        check=True,
    )
    return done.stdout


def any_user() -> tuple[str, ...]:
    """Return what runs a command as a user without rights; nothing when we are one."""
    if os.getuid() != 0:
        return ()
    if shutil.which("setpriv") is None and os.environ.get("CI") != "true":
        pytest.skip("setpriv is missing, so that root cannot become another user")
    return ANY_USER


def site_packages(venv: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return venv / "lib" / version / "site-packages"


def readme_question() -> dict[str, Any]:
    (first, *_) = re.findall(r"-d '(\{.*?\})'", (ROOT / "README.md").read_text())
    return json.loads(first)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with both wheels, which takes all else from the present one."""
    folder = tmp_path_factory.mktemp("packaging")
    wheels, venv = folder / "wheels", folder / "venv"
    run(*UV, "build", "--quiet", "--all-packages", "--wheel", "--out-dir", str(wheels))
    run(*UV, "venv", "--quiet", "--python", sys.executable, str(venv))
    run(
        *(*UV, "pip", "install", "--quiet", "--no-deps", "--offline"),
        *("--python", str(venv / "bin" / "python")),
        *(str(wheel) for wheel in wheels.glob("*.whl")),
    )
    borrowed = site_packages(venv) / "borrowed.pth"
    borrowed.write_text(sysconfig.get_paths()["purelib"])
    return venv


@pytest.fixture(scope="module")
def installed_service(
    installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Service]:
    data = tmp_path_factory.mktemp("installed") / "data"
    program = (str(installed / "bin" / "lightspeed-stack"),)
    with running_service(data, program=program) as service:
        service.wait_until_ready()
        yield service


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The folder `/app-root` of the image: the builder's environment without the sources."""
    root = tmp_path_factory.mktemp("image") / "app-root"
    root.mkdir()
    context = Context(ROOT)
    for origin, target in BUILDER.copies():
        context.copy(origin, root / target)
    (sync,) = [line for line in BUILDER.all("RUN") if line.startswith("uv sync ")]
    python = str(Path(sys.executable).resolve())
    words = [python if word.startswith("python3") else word for word in shlex.split(sync)]
    # Bytecode would cost most of the time and change nothing but the start.
    environment = BUILDER.environment() | {"UV_COMPILE_BYTECODE": "0"}
    run(*UV, *words[1:], "--quiet", "--directory", str(root), **environment)
    for path in root.iterdir():
        if path.name != ".venv":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    run("chmod", "-R", "a-w", str(root))
    yield root
    run("chmod", "-R", "u+w", str(root))
    shutil.rmtree(root)


@pytest.mark.requirement("start.installed")
def test_the_installed_packages_are_not_the_sources(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "bin" / "python", "-c", WHERE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    places = done.stdout.split()
    assert len(places) == 2
    assert [place for place in places if not place.startswith(str(installed))] == []


@pytest.mark.requirement("start.installed")
@pytest.mark.requirement("start.cited")
def test_the_installed_service_answers_the_question_of_the_readme_from_its_own_documents(
    installed: Path, installed_service: Service
) -> None:
    wait_for_documents(installed_service)
    with installed_service.client() as client:
        answer = client.post("/v1/query", json=readme_question())

    assert answer.status_code == 200
    assert answer.json()["citations"]
    shipped = site_packages(installed) / "lightspeed_core" / "shipped"
    for citation in answer.json()["citations"]:
        assert citation["marker"] in answer.json()["response"]
        source = (shipped / citation["document_id"]).read_text()
        assert source[citation["start"] : citation["end"]] == citation["quote"]


@pytest.mark.requirement("page.root")
def test_the_installed_service_serves_its_pages(installed_service: Service) -> None:
    with installed_service.client() as client:
        for path in ("/", "/docs", "/redoc", "/static/docs.js", "/static/viewer.css"):
            assert client.get(path).status_code == 200


@pytest.mark.requirement("image.complete")
def test_everything_that_is_copied_into_the_image_is_there() -> None:
    context = Context(ROOT)
    sources = [origin for origin, _ in BUILDER.copies()]

    assert sources
    assert [name for name in sources if not context.holds(name)] == []
    assert SERVED.copies() == []


@pytest.mark.requirement("image.complete")
def test_the_image_takes_from_the_builder_what_the_builder_has() -> None:
    home = BUILDER.last("WORKDIR")
    made = {f"{home}/.venv"} | {f"{home}/{Path(name).name}" for name, _ in BUILDER.copies()}
    of_its_compiler = {"/usr/lib64/libgomp.so.1"}

    taken = {origin for origin, _ in SERVED.copies(BUILDER.name)}
    assert f"{home}/.venv" in taken
    assert taken <= made | of_its_compiler
    # Scripts of an environment name its interpreter by its path.
    assert (f"{home}/.venv", f"{home}/.venv") in SERVED.copies(BUILDER.name)
    assert SERVED.environment()["PATH"].startswith(f"{home}/.venv/bin:")


def test_nothing_that_is_ignored_enters_the_image() -> None:
    context = Context(ROOT)

    for name in (
        ".git/HEAD",
        ".venv/pyvenv.cfg",
        "tests/__init__.py",
        "lightspeed_core/__pycache__",
    ):
        assert not context.holds(name)
    assert context.holds("lightspeed_core/__main__.py")


@pytest.mark.requirement("image.address")
def test_the_image_starts_the_module_on_the_default_port_for_everybody() -> None:
    python, flag, module = SERVED.command("ENTRYPOINT")

    assert (python, flag) == ("python3.12", "-m")
    assert importlib.util.find_spec(f"{module}.__main__") is not None
    assert int(SERVED.last("EXPOSE")) == load_configuration(None, {"HOME": "/"}).service.port
    assert SERVED.environment()["LIGHTSPEED_HOST"] == "0.0.0.0"


@pytest.mark.requirement("image.user")
def test_the_image_runs_without_rights_and_keeps_its_data_in_the_volume() -> None:
    user, volume = SERVED.last("USER"), SERVED.last("VOLUME")

    assert int(user) > 0
    assert SERVED.environment()["LIGHTSPEED_DATA_DIR"] == volume
    (prepared,) = [line for line in SERVED.all("RUN") if f"mkdir -p {volume}" in line]
    assert f"chown {user}:0 {volume}" in prepared
    assert f"chmod 0770 {volume}" in prepared


@pytest.mark.requirement("image.user")
def test_the_image_serves_any_user_from_a_tree_that_cannot_be_written(
    image: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o770)
    before = sorted(image.rglob("*"))
    program = (*any_user(), str(image / ".venv/bin/python"), *SERVED.command("ENTRYPOINT")[1:])

    with running_service(data, program=program, environment={"HOME": "/"}) as service:
        service.wait_until_listening()
        service.wait_until_ready()
        with service.client() as client:
            assert client.get("/liveness").json() == {"alive": True}
        owners = {path.stat().st_uid for path in data.iterdir()}

    assert owners == {12345 if os.getuid() == 0 else os.getuid()}
    assert "Traceback" not in service.output()
    assert sorted(image.rglob("*")) == before


@pytest.mark.requirement("image.kubernetes")
def test_the_image_has_what_authentication_by_a_cluster_needs(image: Path) -> None:
    run(
        str(image / ".venv/bin/python"),
        "-B",
        "-c",
        "import lightspeed_core.auth.kubernetes.client",
    )


@pytest.mark.requirement("image.gguf")
def test_the_image_has_what_runs_a_model_from_a_file(image: Path) -> None:
    mapped = run(str(image / ".venv/bin/python"), "-B", "-c", MAPPED).split()
    # What every image of this kind has: C and C++ at run time, and what Python itself wants.
    of_the_system = ("ld-", "libc", "libdl", "libgcc_s", "libm", "libpthread", "librt", "libstdc++")
    of_python = ("libuuid",)
    taken = [Path(origin).name for origin, _ in SERVED.copies(BUILDER.name)]
    homes = (str(image), sys.base_prefix)

    assert any("xllamacpp" in place for place in mapped)
    needed = {Path(place).name for place in mapped if not place.startswith(homes)}
    assert {
        each for each in needed if not each.startswith((*of_the_system, *of_python, *taken))
    } == set()


def wait_for_documents(service: Service) -> None:
    until = time.monotonic() + BOUND_SECONDS
    while "document stored document_id=README.md" not in service.output():
        assert time.monotonic() < until, service.output()
        time.sleep(0.05)
