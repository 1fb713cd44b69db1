"""What gengen says to a user who asked for something it cannot do."""


class Refusal(Exception):  # noqa: N818 - it says no; nothing went wrong
    """One sentence for the user: what is wrong, where, and what to do about it.

    `launch.py` prints the sentence without a traceback and exits with status 2. Builders of networks, losses and
    models raise plain `ValueError`s; `gengen.build` turns those into refusals.
    """
