"""How requests reach a registry: connections, credentials, redirects, retries, and failures put into words."""
