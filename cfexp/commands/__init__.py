"""The commands ``cfexp NAME``, which are not run by Hydra."""
