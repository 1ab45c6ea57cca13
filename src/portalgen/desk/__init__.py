"""What the practitioner sees: the preview, new files, the schema."""
