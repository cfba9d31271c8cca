"""What Postfix has to know of the filter, and what the filter reads from Postfix's own settings."""
