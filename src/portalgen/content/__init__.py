"""What the practitioner wrote: files, their text, and the records they hold."""
