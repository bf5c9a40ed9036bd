"""What can be wrong with a product, a sale, a file or a credential.

ShelfcastError
├── ProductNotFound, ProductExists, ProductInUse, ShopNotFound, ShopExists
├── SupplierNotFound, SupplierExists, SupplierTermsNotFound, SupplierTermsExist
├── CategoryNotFound, CategoryExists, CategoryInUse, CategoryPathTaken, CategoryCycle
├── PriceChangeNotFound, PriceChangeExists, PriceChangeOverlaps
├── PromotionNotFound, PromotionExists, ClosureNotFound, ClosureExists, HolidaysUnknown
├── IdReserved, IdMalformed, IdMismatch, MaskPathUnknown
├── SaleNotFound, DataVersionNotFound, SnapshotNotFound, SnapshotDamaged, SalesAbsent, RangeReversed
├── SalesArchived, ArchiveDamaged
├── StockMovementNotFound, StockMovementExists, StockInsufficient, StockMovementIrreversible
├── ApiKeyNotFound, RoleUnknown
├── ExportNotFound, ExportFilterUnknown, ExportTooLong
├── ImportMappingNotFound, ImportMappingExists, UrlRefused, FetchFailed (FetchBroken)
├── ImportSourceNotFound, ImportSourceExists, ImportSourceRunning, SourceUnreadable, SourceRunOutdated
├── PipelineNotFound, PipelineExists, PipelineVersionNotFound, SchemaNotFound
├── ImportNotFound, RejectFileAbsent, ImportNotUndoable, UploadIncomplete, MappingInvalid
└── FileRefused
    ├── FileEmpty, FileUnreadable, EncodingUnsupported, ColumnMissing, DelimiterWrong
    └── LineTooLong, ExpansionTooLarge, PipelineUnfit
"""

from __future__ import annotations

from shelfcast_servicekit.errors import ShelfcastError


class ProductNotFound(ShelfcastError):
    """No product of the tenant has the id (metadata: product_id)."""

    reason = "PRODUCT_NOT_FOUND"


class ProductExists(ShelfcastError):
    """A product with the id is stored, perhaps deleted (metadata: product_id)."""

    reason = "PRODUCT_EXISTS"


class ShopNotFound(ShelfcastError):
    """No shop of the tenant has the id (metadata: shop_id)."""

    reason = "SHOP_NOT_FOUND"


class ShopExists(ShelfcastError):
    """A shop with the id is stored, perhaps deleted (metadata: shop_id)."""

    reason = "SHOP_EXISTS"


class SupplierNotFound(ShelfcastError):
    """No supplier of the tenant has the id (metadata: supplier_id)."""

    reason = "SUPPLIER_NOT_FOUND"


class SupplierExists(ShelfcastError):
    """A supplier with the id is stored, perhaps deleted (metadata: supplier_id)."""

    reason = "SUPPLIER_EXISTS"


class CategoryNotFound(ShelfcastError):
    """No category of the tenant has the id (metadata: category_id)."""

    reason = "CATEGORY_NOT_FOUND"


class CategoryExists(ShelfcastError):
    """A category with the id is stored, perhaps deleted (metadata: category_id)."""

    reason = "CATEGORY_EXISTS"


class PriceChangeNotFound(ShelfcastError):
    """No price change of the tenant has the id (metadata: price_change_id)."""

    reason = "PRICE_CHANGE_NOT_FOUND"


class PriceChangeExists(ShelfcastError):
    """A price change with the id is stored, perhaps deleted (metadata: price_change_id)."""

    reason = "PRICE_CHANGE_EXISTS"


class PromotionNotFound(ShelfcastError):
    """No promotion of the tenant has the id (metadata: promotion_id)."""

    reason = "PROMOTION_NOT_FOUND"


class PromotionExists(ShelfcastError):
    """A promotion with the id is stored, perhaps deleted (metadata: promotion_id)."""

    reason = "PROMOTION_EXISTS"


class ClosureNotFound(ShelfcastError):
    """No closure of the tenant has the id (metadata: closure_id)."""

    reason = "CLOSURE_NOT_FOUND"


class ClosureExists(ShelfcastError):
    """A closure with the id is stored, perhaps deleted (metadata: closure_id)."""

    reason = "CLOSURE_EXISTS"


class SupplierTermsNotFound(ShelfcastError):
    """The supplier has given no terms for the product (metadata: supplier_id, product_id)."""

    reason = "SUPPLIER_TERMS_NOT_FOUND"


class SupplierTermsExist(ShelfcastError):
    """Terms of the supplier for the product are stored (metadata: supplier_id, product_id)."""

    reason = "SUPPLIER_TERMS_EXIST"


class ProductInUse(ShelfcastError):
    """A product cannot be removed for good (metadata: product_id, used_by)."""

    reason = "PRODUCT_IN_USE"


class CategoryInUse(ShelfcastError):
    """A category cannot be deleted while it has parts (metadata: category_id, part_id)."""

    reason = "CATEGORY_IN_USE"


class CategoryPathTaken(ShelfcastError):
    """Another category has the path (metadata: category_id, path)."""

    reason = "CATEGORY_PATH_TAKEN"


class CategoryCycle(ShelfcastError):
    """A category would be a part of itself (metadata: category_id, parent_category_id)."""

    reason = "CATEGORY_CYCLE"


class PriceChangeOverlaps(ShelfcastError):
    """Another price change has days in common (metadata: price_change_id, start_date, end_date)."""

    reason = "PRICE_CHANGE_OVERLAPS"


class HolidaysUnknown(ShelfcastError):
    """Nothing is known of the holidays of a place (metadata: place)."""

    reason = "HOLIDAYS_UNKNOWN"


class IdReserved(ShelfcastError):
    """The id would collide with a literal route (metadata: id)."""

    reason = "ID_RESERVED"


class IdMalformed(ShelfcastError):
    """The id breaks the rule for identifiers."""

    reason = "ID_MALFORMED"


class IdMismatch(ShelfcastError):
    """Two ids in one request differ (metadata: path_id, body_id)."""

    reason = "ID_MISMATCH"


class MaskPathUnknown(ShelfcastError):
    """A mask has an unknown, output-only or immutable path (metadata: path)."""

    reason = "MASK_PATH_UNKNOWN"


class SaleNotFound(ShelfcastError):
    """No sale of the tenant has the id (metadata: sale_id)."""

    reason = "SALE_NOT_FOUND"


class DataVersionNotFound(ShelfcastError):
    """No data version of the tenant has the name (metadata: data_version)."""

    reason = "DATA_VERSION_NOT_FOUND"


class SnapshotNotFound(ShelfcastError):
    """No snapshot of the tenant has the id (metadata: snapshot_id)."""

    reason = "SNAPSHOT_NOT_FOUND"


class SnapshotDamaged(ShelfcastError):
    """The stored bytes are not those that were written (metadata: snapshot_id)."""

    reason = "SNAPSHOT_DAMAGED"


class SalesArchived(ShelfcastError):
    """Days that are asked for are in the archive (metadata: archived_before)."""

    reason = "SALES_ARCHIVED"


class ArchiveDamaged(ShelfcastError):
    """A file of the archive is missing or changed (metadata: month, store_path)."""

    reason = "ARCHIVE_DAMAGED"


class SalesAbsent(ShelfcastError):
    """The tenant has no sales to make a snapshot of."""

    reason = "SALES_ABSENT"


class RangeReversed(ShelfcastError):
    """A date range ends before it starts (metadata: start, end)."""

    reason = "RANGE_REVERSED"


class ApiKeyNotFound(ShelfcastError):
    """No key of the tenant has the id (metadata: key_id)."""

    reason = "API_KEY_NOT_FOUND"


class RoleUnknown(ShelfcastError):
    """The role is not one of the known ones (metadata: role, roles)."""

    reason = "ROLE_UNKNOWN"


class ExportNotFound(ShelfcastError):
    """No list or form has the name (metadata: file, lists, forms)."""

    reason = "EXPORT_NOT_FOUND"


class ExportFilterUnknown(ShelfcastError):
    """The list cannot be narrowed by the parameter (metadata: list, filter)."""

    reason = "EXPORT_FILTER_UNKNOWN"


class ExportTooLong(ShelfcastError):
    """The list has more rows than a sheet of the form can hold (metadata: form, limit)."""

    reason = "EXPORT_TOO_LONG"


class ImportNotFound(ShelfcastError):
    """No import of the tenant has the id (metadata: import_id)."""

    reason = "IMPORT_NOT_FOUND"


class RejectFileAbsent(ShelfcastError):
    """The import has refused no row that could be mended (metadata: import_id)."""

    reason = "REJECT_FILE_ABSENT"


class ImportNotUndoable(ShelfcastError):
    """The import has nothing that could be undone (metadata: import_id, problem)."""

    reason = "IMPORT_NOT_UNDOABLE"


class ImportMappingNotFound(ShelfcastError):
    """No saved mapping of the tenant has the name (metadata: name)."""

    reason = "IMPORT_MAPPING_NOT_FOUND"


class ImportMappingExists(ShelfcastError):
    """A saved mapping with the name is stored, perhaps deleted (metadata: name)."""

    reason = "IMPORT_MAPPING_EXISTS"


class UrlRefused(ShelfcastError):
    """The address of a file may not be fetched (metadata: problem)."""

    reason = "URL_REFUSED"


class FetchFailed(ShelfcastError):
    """A file could not be fetched whole (metadata: host, problem)."""

    reason = "FETCH_FAILED"


class FetchBroken(FetchFailed):
    """A file could not be fetched this time; another try may do (metadata: host, problem)."""

    def lasting(self) -> FetchFailed:
        """Give the error that says that no try will do."""
        return FetchFailed(host=self.metadata["host"], problem=self.metadata["problem"])


class ImportSourceNotFound(ShelfcastError):
    """No import source of the tenant has the name (metadata: name)."""

    reason = "IMPORT_SOURCE_NOT_FOUND"


class ImportSourceExists(ShelfcastError):
    """An import source with the name is stored, perhaps deleted (metadata: name)."""

    reason = "IMPORT_SOURCE_EXISTS"


class ImportSourceRunning(ShelfcastError):
    """A job reads the source already (metadata: name, job_id)."""

    reason = "IMPORT_SOURCE_RUNNING"


class SourceUnreadable(ShelfcastError):
    """A connection, or the table that a source names, cannot be read (metadata: connection, problem)."""

    reason = "SOURCE_UNREADABLE"


class SourceRunOutdated(ShelfcastError):
    """A newer job reads the source (metadata: name, job_id)."""

    reason = "SOURCE_RUN_OUTDATED"


class PipelineNotFound(ShelfcastError):
    """No pipeline of the tenant has the name (metadata: name)."""

    reason = "PIPELINE_NOT_FOUND"


class PipelineExists(ShelfcastError):
    """A pipeline with the name is stored, perhaps deleted (metadata: name)."""

    reason = "PIPELINE_EXISTS"


class PipelineVersionNotFound(ShelfcastError):
    """The pipeline has no such version (metadata: name, version)."""

    reason = "PIPELINE_VERSION_NOT_FOUND"


class SchemaNotFound(ShelfcastError):
    """No kind of record has the name (metadata: kind, kinds)."""

    reason = "SCHEMA_NOT_FOUND"


class UploadIncomplete(ShelfcastError):
    """The stream ended early or without its first message (metadata: size)."""

    reason = "UPLOAD_INCOMPLETE"


class MappingInvalid(ShelfcastError):
    """A mapping names no such column or field (metadata: problem)."""

    reason = "MAPPING_INVALID"


class FileRefused(ShelfcastError):
    """The file as a whole cannot be taken; nothing of it is stored."""

    reason = "FILE_UNREADABLE"


class FileEmpty(FileRefused):
    """The upload has no bytes or no data row."""

    reason = "FILE_EMPTY"


class FileUnreadable(FileRefused):
    """The upload is not a table that can be parsed (metadata: problem)."""

    reason = "FILE_UNREADABLE"


class EncodingUnsupported(FileRefused):
    """The bytes are not UTF-8 (metadata: encoding)."""

    reason = "ENCODING_UNSUPPORTED"


class ColumnMissing(FileRefused):
    """A required column was not found (metadata: columns, found)."""

    reason = "COLUMN_MISSING"


class DelimiterWrong(FileRefused):
    """The header could not be cut into columns (metadata: header)."""

    reason = "DELIMITER_WRONG"


class LineTooLong(FileRefused):
    """One line is over the limit (metadata: offset, limit)."""

    reason = "LINE_TOO_LONG"


class ExpansionTooLarge(FileRefused):
    """A compressed upload is over the limit of size or ratio (metadata: limit)."""

    reason = "EXPANSION_TOO_LARGE"


class PipelineUnfit(FileRefused):
    """A step needs a column that the file does not have (metadata: name, step, kind, problem, found)."""

    reason = "PIPELINE_UNFIT"


class StockMovementNotFound(ShelfcastError):
    """No movement of the tenant has the id (metadata: movement_id)."""

    reason = "STOCK_MOVEMENT_NOT_FOUND"


class StockMovementExists(ShelfcastError):
    """Another movement was recorded under the id (metadata: movement_id)."""

    reason = "STOCK_MOVEMENT_EXISTS"


class StockInsufficient(ShelfcastError):
    """Waste or a transfer would take more than there is (metadata: shop_id, product_id, level, quantity)."""

    reason = "STOCK_INSUFFICIENT"


class StockMovementIrreversible(ShelfcastError):
    """The movement takes another one back (metadata: movement_id)."""

    reason = "STOCK_MOVEMENT_IRREVERSIBLE"
