"""Looking over an installation: what is here, and how the collector answers from outside."""

from pixeltrack.doctor.check import Check
from pixeltrack.doctor.here import check_here
from pixeltrack.doctor.outside import check_outside

__all__ = ["Check", "check_here", "check_outside"]
