"""The one exception that users see: a sentence that names the file or value and says what to do."""


class ReproError(Exception):
    """Bad input or a missing resource; the command line prints it and exits with status 2."""


class NotAvailable(ReproError):
    """Weights, vectors or data that cannot be reached; a cell becomes `not-run` with this sentence."""
