"""Log records without passwords."""

import logging

from cfexp.errors import masked


class MaskingFormatter(logging.Formatter):
    """Formats log records and their tracebacks without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as text, passwords masked."""
        return masked(super().format(record))
