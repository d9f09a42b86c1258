"""Which methods a path serves, where the framework tells only half of it. It answers nothing.

A fixed path beside one with a parameter (`/prompts/config`, `/prompts/{id}`) is not for the methods
of the other, and several routes may share a path.
"""

from collections.abc import Iterable, Mapping

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Match


def allowed_methods(request: Request) -> list[str]:
    """Return the methods of the path with which the request agrees, of the first if of several."""
    matching = [
        route
        for route in _routes_of(request.app)
        if route.matches(request.scope)[0] is not Match.NONE
    ]
    return sorted(_methods(route for route in matching if route.path == matching[0].path))


def shadowed_methods(app: FastAPI) -> Mapping[str, list[str]]:
    """Return fixed paths, each with the methods that paths with parameters would take from it."""
    routes = _routes_of(app)
    shadowed: dict[str, list[str]] = {}
    for path in {route.path for route in routes if not route.param_convertors}:
        own = _methods(route for route in routes if route.path == path)
        all_matching = _methods(route for route in routes if route.path_regex.match(path))
        if foreign := all_matching - own:
            shadowed[path] = sorted(foreign)
    return shadowed


def _routes_of(app: FastAPI) -> list[APIRoute]:
    routes = (context.original_route for context in iter_route_contexts(app.routes))
    return [route for route in routes if isinstance(route, APIRoute)]


def _methods(routes: Iterable[APIRoute]) -> set[str]:
    return {method for route in routes for method in route.methods or ()}
