"""Whole answers for the API's description, by the name of the body; made of no running service.

Bodies whose fields all have examples of their own need none here. An example with a null must be
here: the framework leaves nulls out of those that stand in a schema.
"""

from collections.abc import Mapping
from typing import Any, Final

_CONVERSATION: Final = "123e4567-e89b-42d3-a456-426614174000"
_TURN: Final = "9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"
_PROMPT_ID: Final = "pmpt_" + "0123456789abcdef" * 3
_SAVED_PROMPT_ID: Final = "9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"
_PROMPT: Final[dict[str, Any]] = {
    "prompt_id": _PROMPT_ID,
    "version": 1,
    "is_default": True,
    "prompt": "Answer questions about {{ product }} in one sentence.",
    "variables": ["product"],
}
_HISTORY: Final[dict[str, Any]] = {
    "conversation_id": _CONVERSATION,
    "chat_history": [
        {
            "request_id": _TURN,
            "state": "completed",
            "error": None,
            "messages": [
                {"content": "What is OLM?", "type": "user", "referenced_documents": None},
                {
                    "content": "OLM installs operators.",
                    "type": "assistant",
                    "referenced_documents": [
                        {
                            "doc_url": "https://docs.example.com/olm",
                            "doc_title": "Operator Lifecycle Manager",
                            "source": "ocp-docs",
                            "document_id": "olm",
                        }
                    ],
                },
            ],
            "tool_calls": [],
            "tool_results": [],
            "citations": [],
            "warnings": [],
            "provider": "openai",
            "model": "gpt-4-turbo",
            "started_at": "2025-10-10T09:12:10Z",
            "completed_at": "2025-10-10T09:12:15Z",
        }
    ],
}
_MODELS: Final[dict[str, Any]] = {
    "object": "list",
    "data": [{"id": "openai/gpt-4-turbo", "object": "model", "created": 0, "owned_by": "openai"}],
    "models": [
        {
            "identifier": "openai/gpt-4-turbo",
            "metadata": {},
            "api_model_type": "llm",
            "provider_id": "openai",
            "type": "model",
            "provider_resource_id": "gpt-4-turbo",
            "model_type": "llm",
        }
    ],
}
_SHIELD: Final[dict[str, Any]] = {
    "identifier": "question_validity",
    "provider_resource_id": "question_validity",
    "provider_id": "question_validity",
    "type": "shield",
    "params": {},
    "name": "question_validity",
    "config": {},
}
_TOOL: Final[dict[str, Any]] = {
    "identifier": "file_search",
    "description": "Search the vector stores ocp-docs.",
    "parameters": [
        {
            "name": "query",
            "description": "What to search for.",
            "parameter_type": "string",
            "required": True,
            "default": None,
        }
    ],
    "provider_id": "faiss",
    "toolgroup_id": "builtin::rag",
    "server_source": "builtin",
    "type": "tool",
}

_FILE: Final = {
    "id": "file-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "filename": "installation.pdf",
    "bytes": 182344,
    "created_at": 1763391371,
    "purpose": "assistants",
    "object": "file",
}
_VECTOR_STORE: Final[dict[str, Any]] = {
    "id": "vs_0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0",
    "name": "manuals",
    "created_at": 1763391371,
    "last_active_at": None,
    "expires_at": None,
    "status": "completed",
    "usage_bytes": 1048576,
    "metadata": {"team": "docs"},
    "object": "vector_store",
}
_VECTOR_STORE_FILE: Final[dict[str, Any]] = {
    "id": _FILE["id"],
    "vector_store_id": _VECTOR_STORE["id"],
    "status": "in_progress",
    "attributes": {"title": "Installation"},
    "last_error": None,
    "created_at": 1763391380,
    "progress": {"chunks_total": 120, "chunks_embedded": 36},
    "object": "vector_store.file",
}
BODY_EXAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "ApprovalsResponse": {
        "approvals": [
            {
                "approval_id": "5b1e9a3c-0c57-4a1e-9d55-8f3f0c2b7a10",
                "request_id": _TURN,
                "conversation_id": _CONVERSATION,
                "server": "files",
                "tool": "delete_file",
                "arguments": {"path": "/reports/old.txt"},
                "created_at": "2025-10-10T09:12:10+00:00",
                "expires_at": "2025-10-10T09:17:10+00:00",
            }
        ]
    },
    "AuthorizedResponse": {
        "user_id": "user:default/ada",
        "username": "lightspeed-user",
        "skip_userid_check": True,
    },
    "ConfigResponse": {
        "configuration": {
            "name": "Lightspeed Core Service (LCS)",
            "service": {"host": "localhost", "port": 8080},
            "llama_stack": {"url": "http://localhost:8321", "api_key": "**********"},
        }
    },
    "ConversationDeleted": {
        "conversation_id": _CONVERSATION,
        "deleted": True,
        "response": "Conversation deleted successfully",
        "success": True,
    },
    "ConversationResponse": _HISTORY,
    "ConversationUpdated": {
        "conversation_id": _CONVERSATION,
        "success": True,
        "message": "Topic summary updated successfully",
    },
    "ConversationsResponse": {
        "conversations": [
            {
                "conversation_id": _CONVERSATION,
                "created_at": "2025-10-10T09:12:10+00:00",
                "last_message_at": "2025-10-10T09:15:27+00:00",
                "message_count": 5,
                "last_used_model": "gpt-4-turbo",
                "last_used_provider": "openai",
                "topic_summary": "Operator Installation",
            }
        ]
    },
    "DatedConversationsResponse": {
        "conversations": [
            {
                "conversation_id": _CONVERSATION,
                "topic_summary": "Operator Installation",
                "last_message_timestamp": 1704067200.0,
            }
        ]
    },
    "FeedbackStatusResponse": {"functionality": "feedback", "status": {"enabled": True}},
    "FeedbackStatusUpdateResponse": {
        "status": {
            "previous_status": True,
            "updated_status": False,
            "updated_by": "user:default/ada",
            "timestamp": "2025-10-12 09:15:27.123456+00:00",
        }
    },
    "InferResponse": {
        "data": {
            "text": "To list files use ls.",
            "request_id": _TURN,
            "tool_calls": None,
            "tool_results": None,
            "rag_chunks": None,
            "referenced_documents": None,
            "input_tokens": None,
            "output_tokens": None,
            "tokens_estimated": None,
        }
    },
    "InterruptResponse": {
        "request_id": _TURN,
        "interrupted": True,
        "message": "Streaming request interrupted",
    },
    "LivenessResponse": {"alive": True},
    "ModelsResponse": _MODELS,
    "PromptDeleted": {
        "deleted": True,
        "response": "Prompt deleted successfully",
        "prompt_id": _PROMPT_ID,
    },
    "PromptResponse": _PROMPT,
    "PromptsResponse": {"data": [_PROMPT]},
    "ProviderResponse": {
        "provider_id": "openai",
        "provider_type": "remote::openai_compatible",
        "api": "inference",
        "config": {"api_key": "**********"},
        "health": {"status": "OK", "message": ""},
    },
    "File": _FILE,
    "FileDeleted": {
        "deleted": True,
        "response": "File deleted successfully",
        "file_id": _FILE["id"],
    },
    "FilesResponse": {"data": [_FILE], "object": "list"},
    "ProvidersResponse": {
        "providers": {
            "inference": [{"provider_id": "openai", "provider_type": "remote::openai_compatible"}]
        }
    },
    "RagResponse": {
        "id": "ocp-docs",
        "name": "ocp-docs",
        "created_at": 1763391371,
        "last_active_at": None,
        "usage_bytes": 1048576,
        "expires_at": None,
        "object": "vector_store",
        "status": "completed",
    },
    "ReadinessResponse": {
        "ready": True,
        "reason": "All providers are healthy",
        "overall_status": "healthy",
        "impacts": None,
        "providers": [],
    },
    "SavedPromptDeleted": {
        "deleted": True,
        "response": "Saved prompt deleted successfully",
        "prompt_id": _SAVED_PROMPT_ID,
    },
    "SavedPromptsResponse": {
        "prompts": [
            {
                "id": _SAVED_PROMPT_ID,
                "name": "Cluster check",
                "content": "Is every operator of my cluster available?",
                "created_at": "2025-10-10T09:12:10.123456Z",
                "updated_at": "2025-10-10T09:12:10.123456Z",
            }
        ]
    },
    "ShieldsResponse": {"shields": [_SHIELD]},
    "SkillsResponse": {"skills": []},
    "ToolsResponse": {"tools": [_TOOL]},
    "VectorStore": _VECTOR_STORE,
    "VectorStoresResponse": {"data": [_VECTOR_STORE], "object": "list"},
    "VectorStoreDeleted": {
        "deleted": True,
        "response": "Vector store deleted successfully",
        "vector_store_id": _VECTOR_STORE["id"],
    },
    "VectorStoreFile": _VECTOR_STORE_FILE,
    "VectorStoreFilesResponse": {"data": [_VECTOR_STORE_FILE], "object": "list"},
    "VectorStoreFileDeleted": {
        "deleted": True,
        "response": "File deleted successfully",
        "file_id": _FILE["id"],
    },
    "McpServersResponse": {
        "servers": [
            {
                "name": "github",
                "url": "https://mcp.example.com/mcp",
                "provider_id": "model-context-protocol",
                "source": "config",
            }
        ]
    },
    "ClientOptionsResponse": {
        "servers": [{"name": "github", "client_auth_headers": ["Authorization"]}]
    },
}

NOT_READY_EXAMPLE: Final[dict[str, Any]] = {
    "ready": False,
    "reason": "Providers not healthy: openai",
    "overall_status": "unhealthy",
    "impacts": ["Provider openai: Connection error."],
    "providers": [{"provider_id": "openai", "status": "Error", "message": "Connection error."}],
}
