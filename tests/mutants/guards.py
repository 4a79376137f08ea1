"""Every guard that a promise of the product stands on."""

from __future__ import annotations

from tests.mutants import (
    guards_doors,
    guards_forge,
    guards_jira,
    guards_people,
    guards_posting,
    guards_shown,
    guards_web,
)

MUTANTS = (
    *guards_doors.MUTANTS,
    *guards_forge.MUTANTS,
    *guards_web.MUTANTS,
    *guards_people.MUTANTS,
    *guards_posting.MUTANTS,
    *guards_jira.MUTANTS,
    *guards_shown.MUTANTS,
)
