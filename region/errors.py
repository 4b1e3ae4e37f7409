"""What is expected to go wrong now and then."""


class ExpectedError(Exception):
    """Told to the user as one message (what, where, what to do) and exit code 1, without a traceback."""
