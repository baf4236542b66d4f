"""From audio on a disk to the batches that models read."""
