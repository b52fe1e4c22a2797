"""Helpers of the suite-level tests: real servers, their clients, a browser."""
