"""The text inside files: of office documents, PDF, archives, emails and plain text.

Files come from anybody, so they are read in a process of their own (:mod:`.reader`) that may use so
much time and memory and no more. What could not be read is said, never taken for empty.
"""
