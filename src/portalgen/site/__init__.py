"""What each reader sees: addresses, views, Markdown, templates."""
