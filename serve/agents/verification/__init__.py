"""Whether a statement holds in what it cites, by figures, periods, names and negation; without a model."""

from serve.agents.verification.verifier import ClaimVerdict, Outcome, verify

__all__ = ["ClaimVerdict", "Outcome", "verify"]
