import asyncio

from lightspeed_core.assistant.arrivals import Arrivals


async def test_who_came_first_is_through_first_whatever_it_takes() -> None:
    arrivals = Arrivals()
    through: list[str] = []

    async def arrive(name: str, conversation_id: str | None, steps: int) -> None:
        async with arrivals.in_order(conversation_id):
            for _ in range(steps):
                await asyncio.sleep(0)
            through.append(name)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for name, conversation_id, steps in (
            ("a1", "a", 9),
            ("a2", "a", 1),
            ("a3", "a", 0),
            ("b1", "b", 3),
            ("new", None, 2),
        ):
            group.create_task(arrive(name, conversation_id, steps))

    assert through == ["new", "b1", "a1", "a2", "a3"]
