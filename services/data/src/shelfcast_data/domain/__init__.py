"""The rules of the system of record: products, sales, files and versions."""
