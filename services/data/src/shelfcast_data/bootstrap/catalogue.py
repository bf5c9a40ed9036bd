"""The choice of the parts that serve the catalogue: one desk for each kind of entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shelfcast.catalog.v1 import (
    category_service_pb2_grpc,
    closure_service_pb2_grpc,
    holiday_service_pb2_grpc,
    price_change_service_pb2_grpc,
    product_service_pb2_grpc,
    promotion_service_pb2_grpc,
    shop_service_pb2_grpc,
    supplier_service_pb2_grpc,
    supplier_terms_service_pb2_grpc,
)
from shelfcast_servicekit.server import Registration

from shelfcast_data.adapters.calendar.country_holidays import CountryHolidays
from shelfcast_data.application.catalogue import Catalogue
from shelfcast_data.application.catalogue_rule import Rules
from shelfcast_data.application.category_rule import CATEGORY_RULES
from shelfcast_data.application.price_rule import PRICE_RULES
from shelfcast_data.application.product_rule import (
    CLOSURE_RULES,
    PRODUCT_RULES,
    PROMOTION_RULES,
    TERMS_RULES,
)
from shelfcast_data.application.tell_holidays import HolidayCalendar
from shelfcast_data.application.upsert_products import UpsertProducts
from shelfcast_data.domain.category import CATEGORY
from shelfcast_data.domain.closure import CLOSURE
from shelfcast_data.domain.price_change import PRICE_CHANGE
from shelfcast_data.domain.product import PRODUCT
from shelfcast_data.domain.promotion import PROMOTION
from shelfcast_data.domain.shop import SHOP
from shelfcast_data.domain.supplier import SUPPLIER, TERMS
from shelfcast_data.entrypoints.grpc import form
from shelfcast_data.entrypoints.grpc.calendar_servicer import (
    ClosureServicer,
    PriceChangeServicer,
    PromotionServicer,
)
from shelfcast_data.entrypoints.grpc.catalogue_servicer import ProductServicer, ShopServicer
from shelfcast_data.entrypoints.grpc.category_servicer import CategoryServicer
from shelfcast_data.entrypoints.grpc.desk import EntryDesk
from shelfcast_data.entrypoints.grpc.holiday_servicer import HolidayServicer
from shelfcast_data.entrypoints.grpc.supplier_servicer import SupplierServicer, SupplierTermsServicer

if TYPE_CHECKING:
    from shelfcast_servicekit.executor import BlockingExecutor
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.domain.entry import F, Kind
    from shelfcast_data.entrypoints.grpc.form import Form, M
    from shelfcast_data.ports.sales import Announcer
    from shelfcast_data.ports.store import Store


@dataclass(frozen=True, slots=True)
class CatalogueServicers:
    """Makes the RPC services of the catalogue."""

    store: Store
    announcer: Announcer
    tokens: PageTokens

    def registrations(self, threads: BlockingExecutor) -> list[Registration]:
        """Serve all kinds of entries, and holidays."""
        return [*self._goods(), *self._calendar(threads)]

    def _desk(self, kind: Kind[F], message: Form[F, M], rules: Rules[F]) -> EntryDesk[F, M]:
        return EntryDesk(Catalogue(self.store, self.announcer, kind, rules), message, self.tokens)

    def _goods(self) -> list[Registration]:
        products = self._desk(PRODUCT, form.PRODUCT_FORM, PRODUCT_RULES)
        upsert = UpsertProducts(self.store, self.announcer)
        return [
            Registration(
                product_service_pb2_grpc.add_ProductServiceServicer_to_server,
                ProductServicer(products, upsert),
                "shelfcast.catalog.v1.ProductService",
            ),
            Registration(
                category_service_pb2_grpc.add_CategoryServiceServicer_to_server,
                CategoryServicer(self._desk(CATEGORY, form.CATEGORY_FORM, CATEGORY_RULES)),
                "shelfcast.catalog.v1.CategoryService",
            ),
            Registration(
                supplier_service_pb2_grpc.add_SupplierServiceServicer_to_server,
                SupplierServicer(self._desk(SUPPLIER, form.SUPPLIER_FORM, Rules())),
                "shelfcast.catalog.v1.SupplierService",
            ),
            Registration(
                supplier_terms_service_pb2_grpc.add_SupplierTermsServiceServicer_to_server,
                SupplierTermsServicer(self._desk(TERMS, form.TERMS_FORM, TERMS_RULES)),
                "shelfcast.catalog.v1.SupplierTermsService",
            ),
        ]

    def _calendar(self, threads: BlockingExecutor) -> list[Registration]:
        return [
            Registration(
                shop_service_pb2_grpc.add_ShopServiceServicer_to_server,
                ShopServicer(self._desk(SHOP, form.SHOP_FORM, Rules())),
                "shelfcast.catalog.v1.ShopService",
            ),
            Registration(
                price_change_service_pb2_grpc.add_PriceChangeServiceServicer_to_server,
                PriceChangeServicer(self._desk(PRICE_CHANGE, form.PRICE_CHANGE_FORM, PRICE_RULES)),
                "shelfcast.catalog.v1.PriceChangeService",
            ),
            Registration(
                promotion_service_pb2_grpc.add_PromotionServiceServicer_to_server,
                PromotionServicer(self._desk(PROMOTION, form.PROMOTION_FORM, PROMOTION_RULES)),
                "shelfcast.catalog.v1.PromotionService",
            ),
            Registration(
                closure_service_pb2_grpc.add_ClosureServiceServicer_to_server,
                ClosureServicer(self._desk(CLOSURE, form.CLOSURE_FORM, CLOSURE_RULES)),
                "shelfcast.catalog.v1.ClosureService",
            ),
            Registration(
                holiday_service_pb2_grpc.add_HolidayServiceServicer_to_server,
                HolidayServicer(HolidayCalendar(CountryHolidays(), threads)),
                "shelfcast.catalog.v1.HolidayService",
            ),
        ]
