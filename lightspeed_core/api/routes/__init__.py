"""One file per resource; the order here is the order in which paths are tried."""

from fastapi import FastAPI

from lightspeed_core.api.routes import (
    approvals,
    authorized,
    config,
    conversations,
    conversations_v2,
    feedback,
    files,
    health,
    infer,
    info,
    mcp_servers,
    metrics,
    models,
    prompts,
    providers,
    query,
    rags,
    root,
    saved_prompts,
    shields,
    skills,
    streaming_query,
    tools,
    vector_stores,
)


def include_routes(app: FastAPI) -> None:
    """Give the application all its routes, the busiest first."""
    for module in (
        streaming_query,
        query,
        infer,
        approvals,
        health,
        conversations,
        conversations_v2,
        metrics,
        models,
        shields,
        tools,
        mcp_servers,
        providers,
        rags,
        vector_stores,
        skills,
        config,
        info,
        feedback,
        prompts,
        saved_prompts,
        files,
        authorized,
        root,
    ):
        app.include_router(module.router)
