"""`/v1/files`: files that a user hands over, to be indexed in a vector store."""

from typing import Annotated, Final

from fastapi import APIRouter, Request

from lightspeed_core import errors
from lightspeed_core.api.deps import ConfigurationDep, FilesDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, UploadRoute, require
from lightspeed_core.api.schemas.files import FORM, File, FileDeleted, FileId, FilesResponse
from lightspeed_core.api.uploads import Upload
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity

_uploads = APIRouter(prefix="/v1/files", tags=["files"], route_class=UploadRoute)
_own = APIRouter(prefix="/v1/files", tags=["files"], route_class=GuardedRoute)

_STORE_ERRORS: Final = (*CALLER_ERRORS, errors.StoreUnavailable)

Owner = Annotated[Identity, require(Action.MANAGE_FILES)]


@_uploads.post(
    "",
    openapi_extra=FORM,
    responses=responses(*_STORE_ERRORS, errors.FileTooLarge, errors.InvalidRequest),
)
async def upload_file(
    request: Request, files: FilesDep, configuration: ConfigurationDep, caller: Owner
) -> File:
    """Hand over a file; it is one's own, and nothing is read in it yet."""
    upload = Upload(request, configuration.service.limits)
    name = await upload.filename()
    return File.of(await files.add(caller, name, upload.pieces()))


@_own.get("", responses=responses(*_STORE_ERRORS))
async def list_files(files: FilesDep, caller: Owner) -> FilesResponse:
    """List one's own files, the newest first."""
    return FilesResponse.of(await files.list(caller))


@_own.get("/{file_id}", responses=responses(*_STORE_ERRORS, errors.NotFound, errors.InvalidRequest))
async def get_file(file_id: FileId, files: FilesDep, caller: Owner) -> File:
    """Show one of one's own files."""
    return File.of(await files.get(caller, file_id))


@_own.delete("/{file_id}", responses=responses(*_STORE_ERRORS, errors.InvalidRequest))
async def delete_file(file_id: FileId, files: FilesDep, caller: Owner) -> FileDeleted:
    """Delete one of one's own files; what was indexed of it stays where it is."""
    return FileDeleted.of(file_id, deleted=await files.delete(caller, file_id))


router = APIRouter()
router.include_router(_uploads)
router.include_router(_own)
