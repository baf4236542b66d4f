"""Tables of many runs: what they are to hold, which runs that takes, what the numbers say, and how they are shown."""
