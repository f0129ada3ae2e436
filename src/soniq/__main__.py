"""`python -m soniq` is the command `soniq`."""

from soniq.cli import main

if __name__ == "__main__":
    main()
