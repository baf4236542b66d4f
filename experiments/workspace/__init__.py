"""What Weights & Biases shows of a project: a report and a saved view, as code."""
