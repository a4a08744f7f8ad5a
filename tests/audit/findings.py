"""What the audits found: counts, and the first sentences of each kind. Callers: audits and driver."""

from dataclasses import dataclass, field

_SENTENCES_MAX = 20


@dataclass
class Findings:
    """Counts over a whole run; `clean` is the verdict."""

    acks: int = 0
    unknown: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    sentences: list = field(default_factory=list)

    def clean(self):
        """Whether nothing at all was found."""
        return not (self.lost or self.doubled or self.wrong)

    def add(self, kind, sentence):
        """Counts one finding: `kind` is "lost", "doubled" or "wrong"."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.sentences) < _SENTENCES_MAX:
            self.sentences.append(f"{kind}: {sentence}")
