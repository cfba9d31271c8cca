"""What is kept: quarantined mail, lists of senders, campaigns, and who did what. Importing this loads no database."""
