"""Hydra's config becomes a RunPlan here, is checked, and goes no further."""
