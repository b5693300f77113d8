"""From the command line to checked objects, with Hydra and OmegaConf."""
