"""Exceptions: which breaches they let pass, which of them have ended, and which nothing needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from orchestrator.service.policy.breaches import Breach, Excused
from orchestrator.service.policy.patterns import fitting_subject
from orchestrator.service.policy.rules import Excepted


def sorted_out(
    breaches: Iterable[Breach], exceptions: Sequence[Excepted], today: date
) -> tuple[tuple[Breach, ...], tuple[Excused, ...], tuple[Excepted, ...]]:
    """Tell the breaches that stand from those that an exception lets pass.

    Args:
        breaches: What was found.
        exceptions: Those of the policy.
        today: The day, in UTC.

    Returns:
        The breaches, each with a note if its exception has ended; those excused; the exceptions
        that no breach needs.
    """
    standing: list[Breach] = []
    excused: list[Excused] = []
    used: set[int] = set()
    for breach in breaches:
        fits = [n for n, excepted in enumerate(exceptions) if _fits(excepted, breach)]
        used.update(fits)
        good = [exceptions[n] for n in fits if _holds(exceptions[n], today)]
        if good:
            excused.append(Excused(breach, good[0].reason, good[0].said.at("")))
            continue
        ended = [exceptions[n] for n in fits]
        standing.append(_reminded(breach, ended[0]) if ended else breach)
    needless = tuple(each for n, each in enumerate(exceptions) if n not in used)
    return tuple(standing), tuple(excused), needless


def _fits(excepted: Excepted, breach: Breach) -> bool:
    about = breach.rule == excepted.rule or breach.rule.startswith(f"{excepted.rule}.")
    return about and any(fitting_subject(one, excepted.subjects) for one in breach.subjects)


def _holds(excepted: Excepted, today: date) -> bool:
    return excepted.until is None or today <= excepted.until


def _reminded(breach: Breach, ended: Excepted) -> Breach:
    remark = f"the exception at {ended.said.at('')} ended on {ended.until}; its reason was: {ended.reason}"
    return replace(breach, remark=remark)
