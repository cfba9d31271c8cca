"""What recipients are told of their quarantined mail, and what they may do about it."""
