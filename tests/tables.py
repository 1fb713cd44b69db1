"""Tables of tests, by the names of tables of gengen: what is missing is said in a sentence."""

from collections.abc import Mapping
from typing import Any

import pytest


def row(table: Mapping[str, Any], name: str, where: str) -> Any:
    """What a test's table says of a name; fails with what to add where it says nothing.

    Args:
      table: of the test.
      name: such as a key of `ADVERSARIAL_LOSSES`.
      where: what the row is and where it belongs, such as "the closed form of the critic's loss: CRITIC in FILE".
    """
    if name not in table:
        pytest.fail(f"{name!r} is new and needs a row: {where}", pytrace=False)
    return table[name]
