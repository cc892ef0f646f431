"""Accounts that could not be reached when a collector began: tried again, round after round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wsanalytics.aws import AwsError, Connection, Refusal

Connect = Callable[[str], tuple[Sequence[Connection], Sequence[Refusal]]]
"""Assumes one role anew."""


@dataclass
class Unreached:
    """The roles that were refused, and *connect*, which tries one of them again (None: none is)."""

    refused: list[Refusal] = field(default_factory=list)
    connect: Connect | None = None
    has_begun: bool = False

    def try_again(self) -> list[Connection]:
        """Connect to what can be reached by now; what cannot stays in ``refused``."""
        if not self.has_begun or self.connect is None:  # they have just been tried
            self.has_begun = True
            return []
        opened, still_refused = list[Connection](), list[Refusal]()
        for refusal in self.refused:
            if refusal.role_arn is None:
                still_refused.append(refusal)
                continue
            try:
                reached, refused = self.connect(refusal.role_arn)
            except AwsError as error:
                still_refused.append(error.refusal)
            else:
                opened += reached
                still_refused += refused
        self.refused = still_refused
        return opened
