"""Model families: one spec each, cheap to create, that builds or fits the model."""
