"""`python -m teachwhy` is `teachwhy`."""

from teachwhy.cli import main

if __name__ == "__main__":
    main()
