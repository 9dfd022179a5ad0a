"""The store on disk: an OCI image layout, and what keeps it whole."""
