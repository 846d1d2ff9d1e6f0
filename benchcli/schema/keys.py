"""What tells the networks of a run apart: the names of their family and their variant."""

from dataclasses import dataclass

Key = tuple[str, str]
"""Family and variant."""


@dataclass(frozen=True)
class OfVariant:
    """What is of one variant of one family."""

    family: str
    """The name of the family."""
    variant: str
    """The name of the variant in it."""

    @property
    def key(self) -> Key:
        """The names of the family and the variant."""
        return self.family, self.variant
