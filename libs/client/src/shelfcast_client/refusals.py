"""One exception per reason of the protos; written by `make proto`, not by hand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shelfcast_client.errors import RequestRefused


class ApiKeyNotFound(RequestRefused):
    """There is no such API key."""

    reason = "API_KEY_NOT_FOUND"
    status = 404
    hint = "List the keys with GET /api/v1/api-keys."


class ArchiveDamaged(RequestRefused):
    """A file of the archive is damaged."""

    reason = "ARCHIVE_DAMAGED"
    status = 500
    hint = "Restore the file from a backup of the store."


class ArtefactDamaged(RequestRefused):
    """A model file does not match its digest."""

    reason = "ARTEFACT_DAMAGED"
    status = 500
    hint = "Train again, or roll back."


class BodyMalformed(RequestRefused):
    """The body cannot be read."""

    reason = "BODY_MALFORMED"
    status = 400
    hint = "Send one JSON object in UTF-8."


class CategoryCycle(RequestRefused):
    """A category cannot be a part of itself."""

    reason = "CATEGORY_CYCLE"
    status = 409
    hint = "Choose a parent that is not below it."


class CategoryExists(RequestRefused):
    """The category exists already."""

    reason = "CATEGORY_EXISTS"
    status = 409
    hint = "Change it with PATCH, or choose another id."


class CategoryInUse(RequestRefused):
    """The category has parts."""

    reason = "CATEGORY_IN_USE"
    status = 409
    hint = "Move or delete its parts first."


class CategoryNotFound(RequestRefused):
    """There is no such category."""

    reason = "CATEGORY_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/categories."


class CategoryPathTaken(RequestRefused):
    """The path is taken."""

    reason = "CATEGORY_PATH_TAKEN"
    status = 409
    hint = "Choose another name or parent."


class ClosureExists(RequestRefused):
    """The closure exists already."""

    reason = "CLOSURE_EXISTS"
    status = 409
    hint = "Change it with PATCH, or choose another id."


class ClosureNotFound(RequestRefused):
    """There is no such closure."""

    reason = "CLOSURE_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/closures."


class ColumnMissing(RequestRefused):
    """A column is missing."""

    reason = "COLUMN_MISSING"
    status = 422
    hint = 'Rename the columns, or send a mapping such as {"quantity": "units_sold"}.'


class CovariateMissing(RequestRefused):
    """A future covariate is missing."""

    reason = "COVARIATE_MISSING"
    status = 422
    hint = "Send it for each day of the horizon."


class CredentialInvalid(RequestRefused):
    """The credential is not valid."""

    reason = "CREDENTIAL_INVALID"
    status = 401
    hint = "Create a new API key."


class CredentialMissing(RequestRefused):
    """A credential is missing."""

    reason = "CREDENTIAL_MISSING"
    status = 401
    hint = "Send Authorization: Bearer <API key> or X-API-Key."


class DataVersionNotFound(RequestRefused):
    """There is no such data version."""

    reason = "DATA_VERSION_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/data-versions."


class DateMalformed(RequestRefused):
    """A date is not a calendar date."""

    reason = "DATE_MALFORMED"
    status = 400
    hint = "Use YYYY-MM-DD or an ISO 8601 date-time."


class DeadlineExceeded(RequestRefused):
    """The time for the request is over."""

    reason = "DEADLINE_EXCEEDED"
    status = 504
    hint = "Repeat, or ask for less."


class DeadlineMissing(RequestRefused):
    """The call has no deadline."""

    reason = "DEADLINE_MISSING"
    status = 400
    hint = "Set a deadline on the call."


class DelimiterWrong(RequestRefused):
    """The delimiter is wrong."""

    reason = "DELIMITER_WRONG"
    status = 422
    hint = "Separate columns by comma, semicolon, tab or pipe."


class EncodingUnsupported(RequestRefused):
    """The encoding is not UTF-8."""

    reason = "ENCODING_UNSUPPORTED"
    status = 422
    hint = "Save the file as UTF-8."


class EtagMismatch(RequestRefused):
    """Somebody changed it meanwhile."""

    reason = "ETAG_MISMATCH"
    status = 412
    hint = "Read it again, and repeat the change on what you read."


class ExpansionTooLarge(RequestRefused):
    """The file expands too far."""

    reason = "EXPANSION_TOO_LARGE"
    status = 413
    hint = "Send it uncompressed or in parts."


class ExportFilterUnknown(RequestRefused):
    """The export has no such filter."""

    reason = "EXPORT_FILTER_UNKNOWN"
    status = 422
    hint = "Leave the parameter out."


class ExportNotFound(RequestRefused):
    """There is no such export."""

    reason = "EXPORT_NOT_FOUND"
    status = 404
    hint = "Ask for <list>.<form>; lists: {lists}; forms: {forms}."


class ExportTooLong(RequestRefused):
    """The export is too long for its form."""

    reason = "EXPORT_TOO_LONG"
    status = 422
    hint = "Ask for CSV or Parquet, or narrow the export by shop, product or dates."


class FetchFailed(RequestRefused):
    """The file could not be fetched."""

    reason = "FETCH_FAILED"
    status = 409
    hint = "Nothing of it is kept. Check the URL, then retry the job or hand the URL in again."


class FieldMissing(RequestRefused):
    """A required field is missing."""

    reason = "FIELD_MISSING"
    status = 400
    hint = "Send the field; the errors list says where."


class FieldRuleViolated(RequestRefused):
    """A field breaks a rule."""

    reason = "FIELD_RULE_VIOLATED"
    status = 422
    hint = "The errors list names each field and its rule."


class FieldUnreadable(RequestRefused):
    """A field has the wrong type."""

    reason = "FIELD_UNREADABLE"
    status = 400
    hint = "The errors list says which type each field takes."


class FileEmpty(RequestRefused):
    """The file is empty."""

    reason = "FILE_EMPTY"
    status = 422
    hint = "Send a file with a header and at least one row."


class FileUnreadable(RequestRefused):
    """The file cannot be read."""

    reason = "FILE_UNREADABLE"
    status = 422
    hint = "Send CSV in UTF-8 with a header, NDJSON, a JSON array of objects, Parquet or XLSX."


class HistoryEmpty(RequestRefused):
    """There is no history to learn from."""

    reason = "HISTORY_EMPTY"
    status = 409
    hint = "Import a file with POST /api/v1/imports."


class HolidaysUnknown(RequestRefused):
    """The holidays of this place are not known."""

    reason = "HOLIDAYS_UNKNOWN"
    status = 404
    hint = "Give an ISO 3166-1 country code and, if any, an ISO 3166-2 subdivision."


class IdempotencyKeyReused(RequestRefused):
    """The idempotency key was used for another request."""

    reason = "IDEMPOTENCY_KEY_REUSED"
    status = 422
    hint = "Use a new key for a new request."


class IdMalformed(RequestRefused):
    """The id has a wrong form."""

    reason = "ID_MALFORMED"
    status = 422
    hint = "Use 1 to 128 printable characters."


class IdMismatch(RequestRefused):
    """Path and body name different ids."""

    reason = "ID_MISMATCH"
    status = 422
    hint = "Leave the id out of the body."


class IdReserved(RequestRefused):
    """The id is a word of the interface."""

    reason = "ID_RESERVED"
    status = 422
    hint = "Choose another id."


class ImportMappingExists(RequestRefused):
    """The mapping exists."""

    reason = "IMPORT_MAPPING_EXISTS"
    status = 409
    hint = "Change it with PATCH; that also brings a deleted one back."


class ImportMappingNotFound(RequestRefused):
    """There is no such mapping."""

    reason = "IMPORT_MAPPING_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/import-mappings."


class ImportNotFound(RequestRefused):
    """There is no such import."""

    reason = "IMPORT_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/imports."


class ImportNotUndoable(RequestRefused):
    """The import cannot be undone."""

    reason = "IMPORT_NOT_UNDOABLE"
    status = 409
    hint = "A running import is cancelled by its job; one that stored nothing needs no undo."


class ImportSourceExists(RequestRefused):
    """The source exists."""

    reason = "IMPORT_SOURCE_EXISTS"
    status = 409
    hint = "Change it with PATCH; that also brings a deleted one back."


class ImportSourceNotFound(RequestRefused):
    """There is no such source."""

    reason = "IMPORT_SOURCE_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/import-sources."


class ImportSourceRunning(RequestRefused):
    """The source is being read."""

    reason = "IMPORT_SOURCE_RUNNING"
    status = 409
    hint = "Wait for that job or cancel it; a source is read by one job at a time."


class Internal(RequestRefused):
    """Something broke inside."""

    reason = "INTERNAL"
    status = 500
    hint = "Repeat; if it stays, give the trace id to your operator."


class JobCrashed(RequestRefused):
    """The job ended without a result."""

    reason = "JOB_CRASHED"
    status = 500
    hint = "See the worker log under the trace id, then retry."


class JobKindUnknown(RequestRefused):
    """Nobody runs this kind of job."""

    reason = "JOB_KIND_UNKNOWN"
    status = 500
    hint = "Update the worker."


class JobNotFound(RequestRefused):
    """There is no such job."""

    reason = "JOB_NOT_FOUND"
    status = 404
    hint = "List the jobs with GET /api/v1/jobs."


class LineTooLong(RequestRefused):
    """A line is too long."""

    reason = "LINE_TOO_LONG"
    status = 422
    hint = "Check line ends and quotes near that place."


class MappingInvalid(RequestRefused):
    """The column mapping is wrong."""

    reason = "MAPPING_INVALID"
    status = 422
    hint = (
        "Map column names of the file to date, shop_id, product_id, quantity, unit_price, "
        "is_promotion, was_available, is_return, stock_out_hours."
    )


class MaskPathUnknown(RequestRefused):
    """The update mask names no field that can be changed."""

    reason = "MASK_PATH_UNKNOWN"
    status = 422
    hint = "Name fields of the resource that are not read-only."


class MediaTypeNotOffered(RequestRefused):
    """The wanted content type is not offered."""

    reason = "MEDIA_TYPE_NOT_OFFERED"
    status = 406
    hint = "Change the Accept header."


class MediaTypeUnsupported(RequestRefused):
    """The content type is not accepted."""

    reason = "MEDIA_TYPE_UNSUPPORTED"
    status = 415
    hint = "Use one of: {accepted}."


class MethodNotAllowed(RequestRefused):
    """The method is not allowed here."""

    reason = "METHOD_NOT_ALLOWED"
    status = 405
    hint = "See the Allow header."


class ModelNotFound(RequestRefused):
    """There is no such model."""

    reason = "MODEL_NOT_FOUND"
    status = 404
    hint = "List the models with GET /api/v1/models."


class ModelNotTrained(RequestRefused):
    """No model is trained yet."""

    reason = "MODEL_NOT_TRAINED"
    status = 409
    hint = "Start a training with POST /api/v1/forecast/retrain."


class ModelRefused(RequestRefused):
    """The model cannot be promoted."""

    reason = "MODEL_REFUSED"
    status = 409
    hint = "Choose a model that is ready."


class ModelUnknown(RequestRefused):
    """There is no such forecaster."""

    reason = "MODEL_UNKNOWN"
    status = 422
    hint = "Use one of: {models}."


class PageTokenInvalid(RequestRefused):
    """The page token is not valid here."""

    reason = "PAGE_TOKEN_INVALID"
    status = 400
    hint = "Start again without page_token; keep filters and order while paging."


class PayloadTooLarge(RequestRefused):
    """The body is too large."""

    reason = "PAYLOAD_TOO_LARGE"
    status = 413
    hint = "Send it in parts, or as a file to /api/v1/imports."


class PermissionMissing(RequestRefused):
    """A permission is missing."""

    reason = "PERMISSION_MISSING"
    status = 403
    hint = "Use a credential whose role holds it."


class PipelineExists(RequestRefused):
    """The pipeline exists."""

    reason = "PIPELINE_EXISTS"
    status = 409
    hint = "Change it with PATCH, which makes a new version; that also brings a deleted one back."


class PipelineNotFound(RequestRefused):
    """There is no such pipeline."""

    reason = "PIPELINE_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/pipelines."


class PipelineUnfit(RequestRefused):
    """The pipeline does not fit the file."""

    reason = "PIPELINE_UNFIT"
    status = 422
    hint = "Compare the names with the header; an earlier step may have renamed or dropped a column."


class PipelineVersionNotFound(RequestRefused):
    """There is no such version of the pipeline."""

    reason = "PIPELINE_VERSION_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/pipelines/{name}/versions."


class PredictionNotFound(RequestRefused):
    """There is no such job."""

    reason = "PREDICTION_NOT_FOUND"
    status = 404
    hint = "List the jobs with GET /jobs."


class PriceChangeExists(RequestRefused):
    """The price change exists already."""

    reason = "PRICE_CHANGE_EXISTS"
    status = 409
    hint = "Change it with PATCH, or choose another id."


class PriceChangeNotFound(RequestRefused):
    """There is no such price change."""

    reason = "PRICE_CHANGE_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/price-changes."


class PriceChangeOverlaps(RequestRefused):
    """The days have a price already."""

    reason = "PRICE_CHANGE_OVERLAPS"
    status = 409
    hint = "Change or delete that one, or choose other days."


class ProductExists(RequestRefused):
    """The product exists already."""

    reason = "PRODUCT_EXISTS"
    status = 409
    hint = "Change it with PATCH, or choose another id."


class ProductInUse(RequestRefused):
    """The product is in use."""

    reason = "PRODUCT_IN_USE"
    status = 409
    hint = "Delete it without force, which keeps it for what names it."


class ProductNotFound(RequestRefused):
    """There is no such product."""

    reason = "PRODUCT_NOT_FOUND"
    status = 404
    hint = "List the products with GET /api/v1/products."


class PromotionExists(RequestRefused):
    """The promotion exists already."""

    reason = "PROMOTION_EXISTS"
    status = 409
    hint = "Change it with PATCH, or choose another id."


class PromotionNotFound(RequestRefused):
    """There is no such promotion."""

    reason = "PROMOTION_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/promotions-calendar."


class RangeReversed(RequestRefused):
    """The range ends before it starts."""

    reason = "RANGE_REVERSED"
    status = 422
    hint = "Let start be on or before end."


class RateLimited(RequestRefused):
    """Too many requests."""

    reason = "RATE_LIMITED"
    status = 429
    hint = "Wait as Retry-After says."


class ReadOnlyField(RequestRefused):
    """The request sets a read-only field."""

    reason = "READ_ONLY_FIELD"
    status = 422
    hint = "Leave the field out."


class RejectFileAbsent(RequestRefused):
    """There is no reject file."""

    reason = "REJECT_FILE_ABSENT"
    status = 404
    hint = "GET /api/v1/imports/{import_id} tells what became of its rows."


class ReplyTooLarge(RequestRefused):
    """The reply is too large."""

    reason = "REPLY_TOO_LARGE"
    status = 422
    hint = (
        "Ask for less at once: a smaller page_size, fewer series or fewer days; /api/v1/exports "
        "gives whole lists."
    )


class RequestCancelled(RequestRefused):
    """The client went away."""

    reason = "REQUEST_CANCELLED"
    status = 499
    hint = "Nothing to do."


class RequestInFlight(RequestRefused):
    """The first request is still running."""

    reason = "REQUEST_IN_FLIGHT"
    status = 409
    hint = "Wait, then repeat."


class RoleUnknown(RequestRefused):
    """There is no such role."""

    reason = "ROLE_UNKNOWN"
    status = 422
    hint = "Use one of: {roles}."


class RouteNotFound(RequestRefused):
    """There is no such route."""

    reason = "ROUTE_NOT_FOUND"
    status = 404
    hint = "See /docs for all routes."


class RpcUnimplemented(RequestRefused):
    """Not offered."""

    reason = "RPC_UNIMPLEMENTED"
    status = 501
    hint = "See /docs."


class SalesAbsent(RequestRefused):
    """There are no sales yet."""

    reason = "SALES_ABSENT"
    status = 400
    hint = "Import a file with POST /api/v1/imports."


class SalesArchived(RequestRefused):
    """These sales are archived."""

    reason = "SALES_ARCHIVED"
    status = 409
    hint = (
        "Ask for later days, read an export or a snapshot, which hold all days, or have the "
        "operator bring the months back with `python -m shelfcast_data unarchive`."
    )


class SaleNotFound(RequestRefused):
    """There is no such sale."""

    reason = "SALE_NOT_FOUND"
    status = 404
    hint = "Read the sales with GET /api/v1/sales/history."


class SchemaNotFound(RequestRefused):
    """There is no such schema."""

    reason = "SCHEMA_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/ingestion/schemas."


class SeriesNotFound(RequestRefused):
    """There is no such series."""

    reason = "SERIES_NOT_FOUND"
    status = 404
    hint = "Import its sales, or create the product."


class ServiceLevelOutOfRange(RequestRefused):
    """The service level is out of range."""

    reason = "SERVICE_LEVEL_OUT_OF_RANGE"
    status = 422
    hint = "Use a share such as 0.95."


class ShopAmbiguous(RequestRefused):
    """The shop must be named."""

    reason = "SHOP_AMBIGUOUS"
    status = 400
    hint = "Add shop_id to the request."


class ShopExists(RequestRefused):
    """The shop exists already."""

    reason = "SHOP_EXISTS"
    status = 409
    hint = "Change it with PATCH, or choose another id."


class ShopNotFound(RequestRefused):
    """There is no such shop."""

    reason = "SHOP_NOT_FOUND"
    status = 404
    hint = "List the shops with GET /api/v1/shops."


class SnapshotDamaged(RequestRefused):
    """A snapshot does not match its digest."""

    reason = "SNAPSHOT_DAMAGED"
    status = 500
    hint = "Create a new snapshot."


class SnapshotNotFound(RequestRefused):
    """There is no such snapshot."""

    reason = "SNAPSHOT_NOT_FOUND"
    status = 404
    hint = "Create one."


class SourceRunOutdated(RequestRefused):
    """A newer run has read the source."""

    reason = "SOURCE_RUN_OUTDATED"
    status = 409
    hint = "Run the source again with POST /api/v1/import-sources/{name}:run."


class SourceUnreadable(RequestRefused):
    """The source cannot be read."""

    reason = "SOURCE_UNREADABLE"
    status = 409
    hint = (
        "Check the source with GET /api/v1/import-sources; the operator keeps connections in "
        "SHELFCAST_DATA_SOURCES."
    )


class StateConflict(RequestRefused):
    """The job is not in a state for this."""

    reason = "STATE_CONFLICT"
    status = 409
    hint = "See its status."


class StockInsufficient(RequestRefused):
    """There is not so much in stock."""

    reason = "STOCK_INSUFFICIENT"
    status = 409
    hint = "Count the stock first, or repeat with allow_negative=true."


class StockMovementExists(RequestRefused):
    """Another stock movement has the id."""

    reason = "STOCK_MOVEMENT_EXISTS"
    status = 409
    hint = "Use a new movement_id for a new movement; take the first one back with its :reverse."


class StockMovementIrreversible(RequestRefused):
    """A reversal cannot be taken back."""

    reason = "STOCK_MOVEMENT_IRREVERSIBLE"
    status = 409
    hint = "Record the movement anew."


class StockMovementNotFound(RequestRefused):
    """There is no such stock movement."""

    reason = "STOCK_MOVEMENT_NOT_FOUND"
    status = 404
    hint = "List the movements with GET /api/v1/stock-movements."


class StorageFull(RequestRefused):
    """The disk is full."""

    reason = "STORAGE_FULL"
    status = 507
    hint = "Free space on the server, then repeat."


class SupplierExists(RequestRefused):
    """The supplier exists already."""

    reason = "SUPPLIER_EXISTS"
    status = 409
    hint = "Change it with PATCH, or choose another id."


class SupplierNotFound(RequestRefused):
    """There is no such supplier."""

    reason = "SUPPLIER_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/suppliers."


class SupplierTermsExist(RequestRefused):
    """The terms exist already."""

    reason = "SUPPLIER_TERMS_EXIST"
    status = 409
    hint = "Change them with PATCH."


class SupplierTermsNotFound(RequestRefused):
    """There are no such terms."""

    reason = "SUPPLIER_TERMS_NOT_FOUND"
    status = 404
    hint = "List them with GET /api/v1/suppliers/{supplier_id}/terms."


class TraceNotFound(RequestRefused):
    """There is no such trace."""

    reason = "TRACE_NOT_FOUND"
    status = 404
    hint = "Traces arrive some seconds after the request and are kept for a limited time."


class TrainingStopped(RequestRefused):
    """The training was stopped."""

    reason = "TRAINING_STOPPED"
    status = 499
    hint = "Start it again."


class UnknownField(RequestRefused):
    """The request has an unknown field."""

    reason = "UNKNOWN_FIELD"
    status = 422
    hint = "Check the spelling against /docs."


class UploadIncomplete(RequestRefused):
    """The upload is incomplete."""

    reason = "UPLOAD_INCOMPLETE"
    status = 400
    hint = "Send the file again."


class UpstreamUnavailable(RequestRefused):
    """A service is away."""

    reason = "UPSTREAM_UNAVAILABLE"
    status = 503
    hint = "Repeat after the time in Retry-After."


class UrlRefused(RequestRefused):
    """The URL may not be fetched."""

    reason = "URL_REFUSED"
    status = 422
    hint = (
        "The operator lists the hosts that files are fetched from in SHELFCAST_DATA_IMPORT_HOSTS "
        "(docs/imports.md)."
    )


REFUSALS: Final[Mapping[str, type[RequestRefused]]] = MappingProxyType(
    {
        "API_KEY_NOT_FOUND": ApiKeyNotFound,
        "ARCHIVE_DAMAGED": ArchiveDamaged,
        "ARTEFACT_DAMAGED": ArtefactDamaged,
        "BODY_MALFORMED": BodyMalformed,
        "CATEGORY_CYCLE": CategoryCycle,
        "CATEGORY_EXISTS": CategoryExists,
        "CATEGORY_IN_USE": CategoryInUse,
        "CATEGORY_NOT_FOUND": CategoryNotFound,
        "CATEGORY_PATH_TAKEN": CategoryPathTaken,
        "CLOSURE_EXISTS": ClosureExists,
        "CLOSURE_NOT_FOUND": ClosureNotFound,
        "COLUMN_MISSING": ColumnMissing,
        "COVARIATE_MISSING": CovariateMissing,
        "CREDENTIAL_INVALID": CredentialInvalid,
        "CREDENTIAL_MISSING": CredentialMissing,
        "DATA_VERSION_NOT_FOUND": DataVersionNotFound,
        "DATE_MALFORMED": DateMalformed,
        "DEADLINE_EXCEEDED": DeadlineExceeded,
        "DEADLINE_MISSING": DeadlineMissing,
        "DELIMITER_WRONG": DelimiterWrong,
        "ENCODING_UNSUPPORTED": EncodingUnsupported,
        "ETAG_MISMATCH": EtagMismatch,
        "EXPANSION_TOO_LARGE": ExpansionTooLarge,
        "EXPORT_FILTER_UNKNOWN": ExportFilterUnknown,
        "EXPORT_NOT_FOUND": ExportNotFound,
        "EXPORT_TOO_LONG": ExportTooLong,
        "FETCH_FAILED": FetchFailed,
        "FIELD_MISSING": FieldMissing,
        "FIELD_RULE_VIOLATED": FieldRuleViolated,
        "FIELD_UNREADABLE": FieldUnreadable,
        "FILE_EMPTY": FileEmpty,
        "FILE_UNREADABLE": FileUnreadable,
        "HISTORY_EMPTY": HistoryEmpty,
        "HOLIDAYS_UNKNOWN": HolidaysUnknown,
        "IDEMPOTENCY_KEY_REUSED": IdempotencyKeyReused,
        "ID_MALFORMED": IdMalformed,
        "ID_MISMATCH": IdMismatch,
        "ID_RESERVED": IdReserved,
        "IMPORT_MAPPING_EXISTS": ImportMappingExists,
        "IMPORT_MAPPING_NOT_FOUND": ImportMappingNotFound,
        "IMPORT_NOT_FOUND": ImportNotFound,
        "IMPORT_NOT_UNDOABLE": ImportNotUndoable,
        "IMPORT_SOURCE_EXISTS": ImportSourceExists,
        "IMPORT_SOURCE_NOT_FOUND": ImportSourceNotFound,
        "IMPORT_SOURCE_RUNNING": ImportSourceRunning,
        "INTERNAL": Internal,
        "JOB_CRASHED": JobCrashed,
        "JOB_KIND_UNKNOWN": JobKindUnknown,
        "JOB_NOT_FOUND": JobNotFound,
        "LINE_TOO_LONG": LineTooLong,
        "MAPPING_INVALID": MappingInvalid,
        "MASK_PATH_UNKNOWN": MaskPathUnknown,
        "MEDIA_TYPE_NOT_OFFERED": MediaTypeNotOffered,
        "MEDIA_TYPE_UNSUPPORTED": MediaTypeUnsupported,
        "METHOD_NOT_ALLOWED": MethodNotAllowed,
        "MODEL_NOT_FOUND": ModelNotFound,
        "MODEL_NOT_TRAINED": ModelNotTrained,
        "MODEL_REFUSED": ModelRefused,
        "MODEL_UNKNOWN": ModelUnknown,
        "PAGE_TOKEN_INVALID": PageTokenInvalid,
        "PAYLOAD_TOO_LARGE": PayloadTooLarge,
        "PERMISSION_MISSING": PermissionMissing,
        "PIPELINE_EXISTS": PipelineExists,
        "PIPELINE_NOT_FOUND": PipelineNotFound,
        "PIPELINE_UNFIT": PipelineUnfit,
        "PIPELINE_VERSION_NOT_FOUND": PipelineVersionNotFound,
        "PREDICTION_NOT_FOUND": PredictionNotFound,
        "PRICE_CHANGE_EXISTS": PriceChangeExists,
        "PRICE_CHANGE_NOT_FOUND": PriceChangeNotFound,
        "PRICE_CHANGE_OVERLAPS": PriceChangeOverlaps,
        "PRODUCT_EXISTS": ProductExists,
        "PRODUCT_IN_USE": ProductInUse,
        "PRODUCT_NOT_FOUND": ProductNotFound,
        "PROMOTION_EXISTS": PromotionExists,
        "PROMOTION_NOT_FOUND": PromotionNotFound,
        "RANGE_REVERSED": RangeReversed,
        "RATE_LIMITED": RateLimited,
        "READ_ONLY_FIELD": ReadOnlyField,
        "REJECT_FILE_ABSENT": RejectFileAbsent,
        "REPLY_TOO_LARGE": ReplyTooLarge,
        "REQUEST_CANCELLED": RequestCancelled,
        "REQUEST_IN_FLIGHT": RequestInFlight,
        "ROLE_UNKNOWN": RoleUnknown,
        "ROUTE_NOT_FOUND": RouteNotFound,
        "RPC_UNIMPLEMENTED": RpcUnimplemented,
        "SALES_ABSENT": SalesAbsent,
        "SALES_ARCHIVED": SalesArchived,
        "SALE_NOT_FOUND": SaleNotFound,
        "SCHEMA_NOT_FOUND": SchemaNotFound,
        "SERIES_NOT_FOUND": SeriesNotFound,
        "SERVICE_LEVEL_OUT_OF_RANGE": ServiceLevelOutOfRange,
        "SHOP_AMBIGUOUS": ShopAmbiguous,
        "SHOP_EXISTS": ShopExists,
        "SHOP_NOT_FOUND": ShopNotFound,
        "SNAPSHOT_DAMAGED": SnapshotDamaged,
        "SNAPSHOT_NOT_FOUND": SnapshotNotFound,
        "SOURCE_RUN_OUTDATED": SourceRunOutdated,
        "SOURCE_UNREADABLE": SourceUnreadable,
        "STATE_CONFLICT": StateConflict,
        "STOCK_INSUFFICIENT": StockInsufficient,
        "STOCK_MOVEMENT_EXISTS": StockMovementExists,
        "STOCK_MOVEMENT_IRREVERSIBLE": StockMovementIrreversible,
        "STOCK_MOVEMENT_NOT_FOUND": StockMovementNotFound,
        "STORAGE_FULL": StorageFull,
        "SUPPLIER_EXISTS": SupplierExists,
        "SUPPLIER_NOT_FOUND": SupplierNotFound,
        "SUPPLIER_TERMS_EXIST": SupplierTermsExist,
        "SUPPLIER_TERMS_NOT_FOUND": SupplierTermsNotFound,
        "TRACE_NOT_FOUND": TraceNotFound,
        "TRAINING_STOPPED": TrainingStopped,
        "UNKNOWN_FIELD": UnknownField,
        "UPLOAD_INCOMPLETE": UploadIncomplete,
        "UPSTREAM_UNAVAILABLE": UpstreamUnavailable,
        "URL_REFUSED": UrlRefused,
    }
)
"""The exception of each reason."""
