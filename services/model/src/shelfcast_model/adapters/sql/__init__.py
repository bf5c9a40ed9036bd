"""The model registry in SQL: SQLite, MySQL and MariaDB."""
