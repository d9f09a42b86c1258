"""Reads the one file of a `multipart/form-data` body piece by piece (RFC 7578).

Nothing is held but a piece, and nothing is written to a disk. It knows neither routes nor stores.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from fastapi.exceptions import RequestValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.errors import (
    FileTooLarge,
    MalformedRequest,
    RequestTooSlow,
    UnsupportedMedia,
)

PIECE_BYTES: Final = 256 * 1024
"""What is handed on at a time, so that a large file becomes few writes, each of them short."""

_FIELD: Final = "file"
_FORM: Final = b"multipart/form-data"
_OVERHEAD_BYTES: Final = 65_536
"""What a body may hold beside its file: boundaries, headers and fields that nobody reads."""


@dataclass(slots=True)
class _Form:
    """What the parser has told since it was last asked."""

    filename: str | None = None
    content: bytearray = field(default_factory=bytearray)
    files: int = 0
    has_ended: bool = False
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _headers: dict[str, bytes] = field(default_factory=dict[str, bytes])
    _is_file: bool = False

    def begin_part(self) -> None:
        self._headers.clear()
        self._is_file = False

    def add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        if options.get(b"name") == _FIELD.encode() and b"filename" in options:
            self._is_file = True
            self.files += 1
            self.filename = options[b"filename"].decode("utf-8", errors="replace")

    def add_content(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.content += data[start:end]

    def end(self) -> None:
        self.has_ended = True

    def take(self) -> bytes:
        taken = bytes(self.content)
        self.content.clear()
        return taken


class Upload:
    """A file that is on its way: its name first, then its bytes."""

    def __init__(self, request: Request, limits: ServiceLimits) -> None:
        self._limits = limits
        self._form = _Form()
        self._parser = _parser(request, self._form)
        self._stream = aiter(request.stream())
        self._received = 0
        self._waited = 0.0
        self._due = 0
        self._check_length(request)

    async def filename(self) -> str:
        """Return the name that the client gives the file, an empty one where it gives none.

        Raises `RequestValidationError` for a body without the field, and as `pieces` does.
        """
        while self._form.filename is None:
            if not await self._read_on():
                missing = {
                    "type": "missing",
                    "loc": ("body", _FIELD),
                    "msg": "Field required",
                    "input": None,
                }
                raise RequestValidationError([missing])
        return self._form.filename

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the bytes of the file.

        Raises:
            FileTooLarge: It is larger than the limit; what came until then was yielded.
            MalformedRequest: The body is no form with one file, or ends too early.
            RequestTooSlow: It arrives below the least pace.
        """
        size, is_more = 0, True
        while is_more:
            is_more = await self._read_on()
            if len(self._form.content) >= PIECE_BYTES or not is_more:
                piece = self._form.take()
                size += len(piece)
                if size > self._limits.max_file_bytes:
                    raise FileTooLarge(size, self._limits.max_file_bytes)
                if piece:
                    yield piece
        if not self._form.has_ended or self._form.files != 1:
            raise _malformed("it ends too early" if not self._form.has_ended else "two files")

    def _check_length(self, request: Request) -> None:
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limits.max_file_bytes + _OVERHEAD_BYTES:
            raise FileTooLarge(int(length), self._limits.max_file_bytes)

    async def _read_on(self) -> bool:
        """Read what comes next; false at the end."""
        piece = await self._next()
        if not piece:
            return False
        self._received += len(piece)
        if self._received > self._limits.max_file_bytes + _OVERHEAD_BYTES:
            raise FileTooLarge(self._received, self._limits.max_file_bytes)
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _malformed(str(error)) from error
        return True

    async def _next(self) -> bytes:
        """Wait for the client, whose time alone counts, and not that of whoever takes the bytes."""
        limits, loop = self._limits, asyncio.get_running_loop()
        if self._received >= self._due:
            self._due = self._received + (
                limits.body_timeout_seconds * limits.min_body_bytes_per_second
            )
            self._waited = 0.0
        began = loop.time()
        try:
            async with asyncio.timeout(limits.body_timeout_seconds - self._waited):
                return await _following(self._stream)
        except ClientDisconnect:
            raise _malformed("it ends too early") from None
        except TimeoutError:
            raise RequestTooSlow("The file took too long to arrive.") from None
        finally:
            self._waited += loop.time() - began


async def _following(stream: AsyncIterator[bytes]) -> bytes:
    """Return the next bytes that are any; none at the end."""
    async for piece in stream:
        if piece:
            return piece
    return b""


def _parser(request: Request, form: _Form) -> MultipartParser:
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type.lower() != _FORM:
        raise UnsupportedMedia(f"Send the file as {_FORM.decode()}, in the field '{_FIELD}'.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("The body is compressed; send it without Content-Encoding.")
    try:
        return MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": form.begin_part,
                "on_header_field": form.add_header_name,
                "on_header_value": form.add_header_value,
                "on_header_end": form.end_header,
                "on_headers_finished": form.end_headers,
                "on_part_data": form.add_content,
                "on_end": form.end,
            },
        )
    except (KeyError, FormParserError) as error:
        raise _malformed("its Content-Type names no usable boundary") from error


def _malformed(reason: str) -> MalformedRequest:
    return MalformedRequest(
        "Invalid file upload", f"The body is no form with one file '{_FIELD}': {reason}."
    )
