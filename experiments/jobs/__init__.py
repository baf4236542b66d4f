"""Runs as processes of their own: sweeps, and trainings in several processes. Nothing here imports PyTorch."""
