"""YAML rules: read, compiled, matched and scored."""
