"""What reads an encoder's last map: one a file."""
