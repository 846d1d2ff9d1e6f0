"""The registry of the audits that are no guideline of a paper; their interface is that of a guideline's audit."""

from benchcli.registry import Registry
from benchcli.workloads.guidelines.base import Audit

OTHER_AUDITS: Registry[Audit] = Registry("audit", "benchcli.workloads.other_audits")
