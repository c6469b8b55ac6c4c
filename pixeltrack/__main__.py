"""``python -m pixeltrack``: the same as the ``pixeltrack`` command."""

from pixeltrack.cli import main

if __name__ == "__main__":
    main()
