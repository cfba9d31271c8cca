"""Who really sent the mail: SPF, DKIM, DMARC, ARC, and the spoofs that blackmailers use."""
