"""The one exception that users see: a sentence that names the file or value and says what to do."""

LONGEST = 2000  # characters of a sentence; a library's or a user's own code may quote all that it was given


def one_line(text: str) -> str:
    """The text on one line that can be printed, kept in a file and read again: line ends and tabs become blanks, other
    control characters and lone surrogates their codes. Of a long one, both ends."""
    text = " ".join(text.split())
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


class ReproError(Exception):
    """Bad input or a missing resource; the command line prints it and exits with status 2."""

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


class NotAvailable(ReproError):
    """Weights, vectors or data that cannot be reached; a cell becomes `not-run` with this sentence."""
