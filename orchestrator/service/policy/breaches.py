"""A breach of the policy: what, where, which rule and who set it, why it is so, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.service.policy.rules import REFUSE


@dataclass(frozen=True, slots=True)
class Breach:
    """One place where the project does not keep to a rule.

    Args:
        rule: The rule, as ``[[exceptions]]`` names it: ``teams.marketing.schemas``.
        set_at: Where it is set: ``policy.toml:12``; empty for what holds under any policy.
        what: One sentence for whoever wrote the place.
        where: File and line, or the flow.
        fix: What to do.
        evidence: Why it is so: each a place and what stands there.
        flow: The flow.
        subjects: What an exception may name: the flow, the task, its file, the tables.
        breach: ``refuse`` or ``warn``.
        remark: What else there is to know: an exception that has ended.
    """

    rule: str
    set_at: str
    what: str
    where: str
    fix: str
    evidence: tuple[str, ...] = ()
    flow: str = ""
    subjects: tuple[str, ...] = ()
    breach: str = REFUSE
    remark: str = ""

    @property
    def refuses(self) -> bool:
        """Whether it stops check and deploy."""
        return self.breach == REFUSE

    def lines(self) -> Iterator[str]:
        """The paragraph: the sentence, then each fact after its label."""
        yield f"{self.where}: {self.what}" if self.where else self.what
        yield f"  rule:  {self.rule}, " + (f"set in {self.set_at}" if self.set_at else "always set")
        yield from (f"  why:   {each}" for each in self.evidence)
        if self.remark:
            yield f"  note:  {self.remark}"
        yield "  fix:   " + self.fix.replace("\n", "\n         ")

    def __str__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True, slots=True)
class Excused:
    """A breach that an exception lets pass, with its reason and where it stands."""

    breach: Breach
    reason: str
    set_at: str


@dataclass(frozen=True, slots=True)
class Report:
    """What looking at a project came to.

    Args:
        flows: The flows that were looked at.
        rules: Names of the rules that are set.
        tasks: So many tasks were looked at.
        statements: So many SQL statements were read.
        breaches: What does not keep to the rules, those that refuse first.
        excused: What an exception lets pass.
        notes: What could not be looked at, and exceptions that nothing needs.
    """

    flows: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    tasks: int = 0
    statements: int = 0
    breaches: tuple[Breach, ...] = ()
    excused: tuple[Excused, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def refused(self) -> tuple[Breach, ...]:
        """The breaches that stop check and deploy."""
        return tuple(breach for breach in self.breaches if breach.refuses)

    @property
    def warned(self) -> tuple[Breach, ...]:
        """The breaches that are only told."""
        return tuple(breach for breach in self.breaches if not breach.refuses)
