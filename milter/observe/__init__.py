"""What the server tells of itself: its log, and figures for monitoring."""
