"""What happens around the training loop: clusters before a pass; checkpoints, tables and checks after it."""
