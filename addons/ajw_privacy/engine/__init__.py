"""Privacy rules that need no ORM: importable and testable without a database."""
