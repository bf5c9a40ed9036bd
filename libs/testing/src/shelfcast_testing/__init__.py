"""Demo retailer, fakes, contract suites and fault proxy of Shelfcast."""
