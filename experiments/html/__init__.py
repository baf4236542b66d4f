"""The page that shows tables, figures and runs in a browser."""
