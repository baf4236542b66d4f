"""What programs say to people and to the process that started them."""
