"""Ranking on the frozen set is not below what was recorded, and hybrid is rightly the default."""

from collections.abc import AsyncGenerator

import pytest

from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import SearchMode
from lightspeed_core.evaluation.evaluation import Evaluation, evaluate
from tests.ranking.figures import read_figures
from tests.support.frozen_set import HALVES, STORE, filled_engine, frozen_questions

POINTS = 0.03

# What Llama Stack itself warns of while it is imported is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Engine]:
    async with filled_engine(tmp_path_factory.mktemp("ranking")) as engine:
        yield engine


@pytest.fixture(scope="module")
async def measured(engine: Engine) -> dict[str, Evaluation]:
    return {half: await evaluate(engine, STORE, frozen_questions(half)) for half in HALVES}


@pytest.mark.attack(80)
@pytest.mark.requirement("ranking.kept")
@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("figure", ["recall@5", "recall@10", "nDCG@10"])
def test_the_default_finds_as_much_as_was_recorded(
    measured: dict[str, Evaluation], half: str, figure: str
) -> None:
    default = measured[half].modes[0]
    recorded = read_figures()["modes"][half][default.mode][figure]["value"]

    found = default.figures[figure]

    assert found is not None
    assert found.value >= recorded - POINTS


@pytest.mark.attack(80)
@pytest.mark.requirement("ranking.default")
@pytest.mark.parametrize("half", HALVES)
def test_no_other_way_of_searching_is_better_outside_the_interval(
    measured: dict[str, Evaluation], half: str
) -> None:
    default, *others = measured[half].modes

    assert default.mode == "hybrid"
    assert len(others) == 2
    for other in others:
        assert other.difference is not None
        assert other.difference.low <= 0


@pytest.mark.requirement("ranking.default")
async def test_a_search_that_names_no_mode_is_hybrid(engine: Engine) -> None:
    for question in frozen_questions("held-out")[:5]:
        default = await engine.search(STORE, question.text, limit=10)
        hybrid = await engine.search(STORE, question.text, limit=10, mode=SearchMode.HYBRID)
        assert [chunk.chunk_id for chunk in default] == [chunk.chunk_id for chunk in hybrid]
