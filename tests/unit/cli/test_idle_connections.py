"""Who makes room when one more connection is opened than there may be."""

from lightspeed_core.cli.idle_connections import IdleConnections


class Connection:
    """Knows whether it had to go."""

    def __init__(self) -> None:
        self.has_gone = False

    def give_way(self) -> None:
        self.has_gone = True


def test_nobody_goes_while_there_is_room() -> None:
    idle, waiting = IdleConnections(2), Connection()
    idle.add(waiting)
    assert idle.make_room(2)
    assert not waiting.has_gone


def test_who_has_waited_longest_goes_first() -> None:
    idle = IdleConnections(2)
    connections = [Connection(), Connection(), Connection()]
    for each in connections:
        idle.add(each)
    idle.remove(connections[0])
    idle.add(connections[0])

    assert idle.make_room(3)
    assert [each.has_gone for each in connections] == [False, True, False]
    assert idle.make_room(3)
    assert [each.has_gone for each in connections] == [False, True, True]


def test_there_is_no_room_when_nobody_waits() -> None:
    idle, busy = IdleConnections(1), Connection()
    idle.add(busy)
    idle.remove(busy)
    assert not idle.make_room(2)
    assert not busy.has_gone
