"""Which optimizer steps over which parameters in which pass; one plan a file."""
