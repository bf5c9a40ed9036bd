"""The RPC of holidays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.catalog.v1 import holiday_service_pb2, holiday_service_pb2_grpc

from shelfcast_data.entrypoints.grpc.field_value import text

if TYPE_CHECKING:
    from shelfcast_data.application.tell_holidays import HolidayCalendar


class HolidayServicer(holiday_service_pb2_grpc.HolidayServiceServicer):
    """Tells public holidays."""

    def __init__(self, calendar: HolidayCalendar) -> None:
        """Serve `calendar`."""
        self._calendar = calendar

    async def ListHolidays(
        self, request: holiday_service_pb2.ListHolidaysRequest, context: object
    ) -> holiday_service_pb2.ListHolidaysResponse:
        """List the public holidays of a year."""
        found = await self._calendar.of_year(
            request.country_code, text(request, "subdivision_code"), request.year
        )
        holidays = [holiday_service_pb2.Holiday(date=each.day.isoformat(), name=each.name) for each in found]
        return holiday_service_pb2.ListHolidaysResponse(holidays=holidays)
