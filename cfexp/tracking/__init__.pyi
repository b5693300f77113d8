from .settings import Tracking as Tracking
