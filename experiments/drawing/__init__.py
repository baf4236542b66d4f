"""Figures: what runs and recordings look like."""
