"""The store in SQL: MySQL, MariaDB and SQLite."""
